import QtQuick
import QtQuick.Controls.Basic
import Tandem.Document
import Tandem.Shell
import Tandem.Ui

/// What the Edit and View menus do to the document and to the window's panels.
QtObject {
    id: actions

    required property Document document
    required property PropagationList propagation
    required property bool isFullScreen
    signal fullScreenWanted(bool on)

    readonly property Action undo: Action {
        text: actions.document.canUndo ? qsTr("Undo: %1").arg(actions.document.undoTitle) : qsTr("Undo")
        shortcut: "Ctrl+Z"
        enabled: actions.document.canUndo && !actions.document.readOnly
        onTriggered: actions.document.undo()
    }
    readonly property Action redo: Action {
        text: actions.document.canRedo ? qsTr("Redo: %1").arg(actions.document.redoTitle) : qsTr("Redo")
        shortcut: "Ctrl+Shift+Z"
        enabled: actions.document.canRedo && !actions.document.readOnly
        onTriggered: actions.document.redo()
    }
    readonly property Action propagate: Action {
        text: qsTr("Propagate the mask")
        shortcut: "Shift+P"
        enabled: actions.document.open && !actions.document.readOnly && !actions.propagation.running
        onTriggered: actions.propagation.start()
    }
    readonly property Action masks: Action {
        text: qsTr("Show masks")
        checkable: true
        checked: !actions.document.masksHidden
        enabled: actions.document.open
        onTriggered: actions.document.masksHidden = !actions.document.masksHidden
    }
    readonly property Action inverted: Action {
        text: qsTr("Invert grey values")
        checkable: true
        checked: actions.document.windowInverted
        enabled: actions.document.open
        onTriggered: actions.document.windowInverted = !actions.document.windowInverted
    }
    readonly property Action casePanel: Action {
        text: qsTr("Cases")
        shortcut: "F8"
        checkable: true
        checked: true
    }
    readonly property Action labelPanel: Action {
        text: qsTr("Labels")
        shortcut: "F9"
        checkable: true
        checked: true
    }
    readonly property Action fullScreen: Action {
        text: qsTr("Full screen")
        shortcut: "F11"
        checkable: true
        checked: actions.isFullScreen
        onTriggered: actions.fullScreenWanted(!actions.isFullScreen)
    }
}
