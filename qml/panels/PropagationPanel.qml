import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// What the last propagation did, and the slices worth a look; a click shows the slice.
Rectangle {
    id: panel

    required property PropagationList propagation

    objectName: "propagationPanel"
    visible: propagation.shown
    implicitHeight: column.implicitHeight + Theme.spacing
    color: Theme.surface

    Rectangle {
        width: parent.width
        height: Theme.lineWidth
        color: Theme.border
    }
    ColumnLayout {
        id: column

        anchors { left: parent.left; right: parent.right; top: parent.top; topMargin: Theme.lineWidth }
        spacing: 0

        RowLayout {
            spacing: Theme.spacing
            Layout.fillWidth: true
            Layout.leftMargin: Theme.spacing
            Layout.rightMargin: Theme.spacingSmall

            UiText {
                objectName: "propagationSummary"
                text: panel.propagation.summary
                dim: true
                font.weight: Font.DemiBold
                Layout.fillWidth: true
            }
            UiButton {
                objectName: "propagationDismiss"
                kind: UiButton.Quiet
                icon.source: Theme.icon("cross")
                tip: qsTr("Close the list; the masks stay")
                focusPolicy: Qt.NoFocus
                onClicked: panel.propagation.dismiss()
            }
        }
        ListView {
            id: list

            clip: true
            model: panel.propagation
            boundsBehavior: Flickable.StopAtBounds
            implicitHeight: Math.min(contentHeight, Theme.findingsHeight)
            Layout.fillWidth: true
            ScrollBar.vertical: ScrollBar {}
            Accessible.role: Accessible.List
            Accessible.name: qsTr("Slices worth a look")
            delegate: ItemDelegate {
                id: row

                required property int index
                required property string sentence

                objectName: "finding" + index
                width: list.width
                focusPolicy: Qt.NoFocus
                padding: Theme.spacingSmall
                leftPadding: Theme.spacing
                rightPadding: Theme.spacing + Theme.spacingSmall
                Accessible.name: sentence
                onClicked: panel.propagation.goTo(index)
                contentItem: UiText {
                    text: row.sentence
                    font.pixelSize: Theme.fontSmall
                }
                background: Rectangle {
                    color: row.down ? Theme.surfacePressed : row.hovered ? Theme.surfaceHover : "transparent"
                }
            }
        }
    }
}
