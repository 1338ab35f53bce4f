import QtQuick
import QtQuick.Controls.Basic

/// What can be done with a label.
Menu {
    id: menu

    signal rename()
    signal show()
    signal chooseColour(color colour)
    signal remove()

    readonly property var colours: ["#ff6b6b", "#4dd0e1", "#ffd54f", "#81c784", "#ba68c8", "#ffa726",
                                    "#6495ed", "#f06292", "#aed581", "#26a69a", "#d7a478", "#9e9eff"]

    width: 1.25 * Theme.controlWidth
    background: Rectangle {
        implicitWidth: Theme.controlWidth
        color: Theme.surfaceRaised
        border.color: Theme.border
        radius: Theme.radius
    }

    component Entry: MenuItem {
        id: entry
        implicitHeight: Theme.controlHeight
        contentItem: Text {
            text: entry.text
            color: Theme.text
            font.pixelSize: Theme.fontNormal
            verticalAlignment: Text.AlignVCenter
        }
        background: Rectangle {
            color: entry.highlighted ? Theme.surfaceHover : "transparent"
        }
    }

    Entry { text: qsTr("Rename"); onTriggered: menu.rename() }
    Entry { text: qsTr("Go to it"); onTriggered: menu.show() }
    Item {
        implicitHeight: 2 * Theme.controlHeight
        Grid {
            anchors.centerIn: parent
            columns: 6
            spacing: Theme.spacingSmall
            Repeater {
                model: menu.colours
                delegate: Rectangle {
                    required property color modelData
                    width: Theme.iconSize + Theme.spacingSmall
                    height: width
                    radius: Theme.radius
                    color: modelData
                    Accessible.role: Accessible.Button
                    Accessible.name: qsTr("Colour %1").arg(modelData)
                    TapHandler {
                        onTapped: {
                            menu.chooseColour(parent.modelData);
                            menu.close();
                        }
                    }
                }
            }
        }
    }
    Entry { text: qsTr("Delete with its voxels"); onTriggered: menu.remove() }
}
