import QtQuick
import QtQuick.Controls.Basic
import Tandem.Shell
import Tandem.Ui

/// Projects opened before.
UiMenu {
    id: menu

    required property Session session

    title: qsTr("Recent projects")
    enabled: rows.count > 0

    Instantiator {
        id: rows

        model: menu.session.preferences.recentProjects
        delegate: UiMenuItem {
            required property string modelData

            text: modelData.split("/").pop().replace(/\.tandem$/, "")
            ToolTip.visible: hovered
            ToolTip.delay: Theme.tooltipDelay
            ToolTip.text: modelData
            onTriggered: menu.session.openPaths([modelData])
        }
        onObjectAdded: (index, object) => menu.insertItem(index, object)
        onObjectRemoved: (index, object) => menu.removeItem(object)
    }
}
