import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Ui

/// One case of the list: its name, its state, whose it is.
ItemDelegate {
    id: row

    required property var caseId
    required property string name
    required property int caseState
    required property string assignee
    required property string modality
    required property bool current

    objectName: "case_" + caseId
    implicitHeight: Theme.rowHeight
    leftPadding: Theme.spacing + Theme.spacingSmall
    rightPadding: Theme.spacing
    topPadding: 0
    bottomPadding: 0
    Accessible.name: qsTr("%1, %2").arg(name).arg(badge.word)

    ToolTip.visible: hovered && title.truncated
    ToolTip.delay: Theme.tooltipDelay
    ToolTip.text: name

    contentItem: ColumnLayout {
        spacing: Theme.spacingTiny

        Item { Layout.fillHeight: true }
        Text {
            id: title

            text: row.name
            color: Theme.text
            font.pixelSize: Theme.fontNormal
            font.bold: row.current
            elide: Text.ElideMiddle
            Layout.fillWidth: true
        }
        RowLayout {
            spacing: Theme.spacing

            StateBadge {
                id: badge
                caseState: row.caseState
            }
            Text {
                text: row.modality
                visible: text !== ""
                color: Theme.textDim
                font.pixelSize: Theme.fontSmall
            }
            Text {
                text: row.assignee
                color: Theme.textDim
                font.pixelSize: Theme.fontSmall
                elide: Text.ElideRight
                horizontalAlignment: Text.AlignRight
                Layout.fillWidth: true
            }
        }
        Item { Layout.fillHeight: true }
    }
    background: Rectangle {
        color: row.current ? Theme.surfacePressed : row.hovered ? Theme.surfaceHover : "transparent"
        border.width: row.visualFocus ? Theme.focusWidth : 0
        border.color: Theme.accent

        Rectangle {
            width: Theme.focusWidth
            height: parent.height
            color: Theme.accent
            visible: row.current
        }
    }
}
