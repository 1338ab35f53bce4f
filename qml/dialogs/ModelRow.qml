import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Ui

/// One model of the list: its name, what it is, whether it is in use, how fast it is here.
ItemDelegate {
    id: row

    required property int index
    required property string title
    required property string summary
    required property string file
    required property string origin
    required property string problem
    required property string card
    required property string speed
    required property string speedDetails
    required property bool inUse
    required property bool isDefault
    required property bool removable
    /// Whether its speed is being measured.
    property bool measured: false

    readonly property string marks: [inUse ? qsTr("in use") : "", isDefault ? qsTr("this project's default") : ""].filter(mark => mark !== "").join(", ")

    objectName: "modelRow_" + title
    implicitHeight: Theme.rowHeight
    leftPadding: Theme.spacing + Theme.spacingSmall
    rightPadding: Theme.spacingLarge
    topPadding: 0
    bottomPadding: 0
    highlighted: ListView.isCurrentItem
    Accessible.name: [title, marks, problem !== "" ? problem : summary, speed].filter(part => part !== "").join(", ")

    contentItem: RowLayout {
        spacing: Theme.spacingLarge

        ColumnLayout {
            spacing: Theme.spacingTiny
            Layout.fillWidth: true

            RowLayout {
                spacing: Theme.spacing

                UiText {
                    text: row.title
                    font.bold: row.inUse
                    elide: Text.ElideMiddle
                    wrapMode: Text.NoWrap
                    Layout.maximumWidth: row.availableWidth / 2
                }
                UiText {
                    text: row.marks
                    visible: text !== ""
                    color: Theme.accent
                    font.pixelSize: Theme.fontSmall
                }
                Item { Layout.fillWidth: true }
            }
            UiText {
                text: row.problem !== "" ? row.problem : row.summary
                color: row.problem !== "" ? Theme.danger : Theme.textDim
                font.pixelSize: Theme.fontSmall
                elide: Text.ElideRight
                wrapMode: Text.NoWrap
                Layout.fillWidth: true
            }
        }
        ColumnLayout {
            spacing: Theme.spacingTiny

            UiText {
                text: row.measured ? qsTr("measuring…") : row.speed
                horizontalAlignment: Text.AlignRight
                wrapMode: Text.NoWrap
                Layout.fillWidth: true
            }
            UiText {
                text: row.origin
                dim: true
                font.pixelSize: Theme.fontSmall
                horizontalAlignment: Text.AlignRight
                wrapMode: Text.NoWrap
                Layout.fillWidth: true
            }
        }
    }
    background: Rectangle {
        color: row.highlighted ? Theme.surfacePressed : row.hovered ? Theme.surfaceHover : "transparent"
        border.width: row.highlighted && row.ListView.view.activeFocus ? Theme.focusWidth : 0
        border.color: Theme.accent

        Rectangle {
            width: Theme.focusWidth
            height: parent.height
            color: Theme.accent
            visible: row.inUse
        }
    }
}
