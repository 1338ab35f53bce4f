import QtQuick
import QtQuick.Controls.Basic
import Tandem.Document 1.0

/// The grey window in figures, and a menu of presets.
StripButton {
    id: button

    required property Document document
    /// Without its figures.
    property bool compact: false

    symbol: "contrast"
    text: compact ? "" : qsTr("W %1  L %2").arg(Number(document.windowWidth.toPrecision(4)))
                                           .arg(Number(document.windowLevel.toPrecision(4)))
    hint: qsTr("Grey window; drag with the right mouse button on an image to change it by hand")
    onClicked: menu.opened ? menu.close() : menu.open()

    Menu {
        id: menu
        y: button.height
        width: 1.5 * Theme.controlWidth

        background: Rectangle {
            implicitWidth: Theme.controlWidth
            color: Theme.surfaceRaised
            border.color: Theme.border
            radius: Theme.radius
        }

        Instantiator {
            model: button.document.presets
            onObjectAdded: (index, object) => menu.insertItem(index, object)
            onObjectRemoved: (index, object) => menu.removeItem(object)
            delegate: MenuItem {
                id: item
                required property int index
                required property var modelData

                implicitHeight: Theme.controlHeight
                onTriggered: button.document.applyPreset(index)
                contentItem: Item {
                    Text {
                        anchors.verticalCenter: parent.verticalCenter
                        text: item.modelData.name
                        color: Theme.text
                        font.pixelSize: Theme.fontNormal
                    }
                    Text {
                        anchors { right: parent.right; verticalCenter: parent.verticalCenter }
                        text: qsTr("%1 / %2").arg(Number(item.modelData.width.toPrecision(4)))
                                             .arg(Number(item.modelData.level.toPrecision(4)))
                        color: Theme.textDim
                        font.pixelSize: Theme.fontSmall
                    }
                }
                background: Rectangle {
                    color: item.highlighted ? Theme.surfaceHover : "transparent"
                }
            }
        }
    }
}
