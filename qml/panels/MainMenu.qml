import QtQuick
import QtQuick.Controls.Basic
import Tandem.Shell
import Tandem.Ui

/// The window's menu bar.
MenuBar {
    id: bar

    required property Session session
    required property ShellActions actions
    required property ViewActions views

    padding: 0
    delegate: MenuBarItem {
        id: head

        implicitHeight: Theme.controlHeight
        leftPadding: Theme.spacing
        rightPadding: Theme.spacing
        topPadding: 0
        bottomPadding: 0
        objectName: menu ? menu.objectName + "Head" : ""
        contentItem: Text {
            text: head.text.replace("&", "")
            font.pixelSize: Theme.fontNormal
            color: Theme.text
            verticalAlignment: Text.AlignVCenter
        }
        background: Rectangle {
            radius: Theme.radius
            color: head.highlighted || head.down ? Theme.surfacePressed : "transparent"
        }
    }
    background: Rectangle {
        color: Theme.surface
        implicitHeight: Theme.controlHeight

        Rectangle {
            anchors.bottom: parent.bottom
            width: parent.width
            height: Theme.lineWidth
            color: Theme.border
        }
    }

    UiMenu {
        objectName: "fileMenu"
        title: qsTr("&File")
        UiMenuItem { objectName: "menuOpen"; action: bar.actions.open }
        UiMenuItem { action: bar.actions.openFolder }
        UiMenuItem { action: bar.actions.newProject }
        RecentMenu { session: bar.session }
        UiMenuItem { action: bar.actions.openDemo }
        UiMenuSeparator {}
        UiMenuItem { objectName: "menuExport"; action: bar.actions.exportMasks }
        UiMenuItem { action: bar.actions.closeProject }
        UiMenuSeparator {}
        UiMenuItem { action: bar.actions.quit }
    }
    UiMenu {
        objectName: "editMenu"
        title: qsTr("&Edit")
        UiMenuItem { action: bar.views.undo }
        UiMenuItem { action: bar.views.redo }
        UiMenuSeparator {}
        UiMenuItem { objectName: "menuPropagate"; action: bar.views.propagate }
        UiMenuSeparator {}
        UiMenuItem { action: bar.actions.person }
        UiMenuItem { objectName: "menuForgetBoxes"; action: bar.actions.forgetBoxes }
    }
    UiMenu {
        objectName: "viewMenu"
        title: qsTr("&View")
        UiMenuItem { action: bar.views.masks }
        UiMenuItem { action: bar.views.inverted }
        UiMenuSeparator {}
        UiMenuItem { action: bar.views.casePanel }
        UiMenuItem { action: bar.views.labelPanel }
        UiMenuItem { action: bar.views.fullScreen }
    }
    UiMenu {
        objectName: "caseMenu"
        title: qsTr("&Case")
        UiMenuItem { action: bar.actions.previousCase }
        UiMenuItem { action: bar.actions.nextCase }
        UiMenuSeparator {}
        UiMenuItem { action: bar.actions.assignToMe }
        UiMenuItem { action: bar.actions.submit }
        UiMenuItem { action: bar.actions.approve }
        UiMenuItem { action: bar.actions.reject }
        UiMenuItem { action: bar.actions.reopen }
        UiMenuSeparator {}
        UiMenuItem { action: bar.actions.removeCase }
    }
    UiMenu {
        objectName: "modelMenu"
        title: qsTr("&Model")
        UiMenuItem { objectName: "menuModels"; action: bar.actions.model }
        UiMenuItem { objectName: "menuLearn"; action: bar.actions.learn }
    }
    UiMenu {
        objectName: "helpMenu"
        title: qsTr("&Help")
        UiMenuItem { action: bar.actions.keys }
        UiMenuItem { action: bar.actions.messages }
        UiMenuItem { action: bar.actions.about }
    }
}
