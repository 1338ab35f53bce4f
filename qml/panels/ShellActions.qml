import QtQuick
import QtQuick.Controls.Basic
import Tandem.Shell
import Tandem.Ui

/// Everything that menus, buttons and keys of the shell can do; each once, with its key.
QtObject {
    id: actions

    required property Session session
    /// Which dialog is asked for.
    signal dialogWanted(string name)
    signal quitWanted
    /// A hand-over carries a name: it is asked for once before the first.
    signal handOverWanted(var step)

    readonly property Action open: Action {
        text: qsTr("Open…")
        shortcut: "Ctrl+O"
        onTriggered: actions.dialogWanted("open")
    }
    readonly property Action openFolder: Action {
        text: qsTr("Open DICOM folder…")
        shortcut: "Ctrl+Shift+O"
        onTriggered: actions.dialogWanted("openFolder")
    }
    readonly property Action newProject: Action {
        text: qsTr("New project…")
        shortcut: "Ctrl+N"
        onTriggered: actions.dialogWanted("newProject")
    }
    readonly property Action openDemo: Action {
        text: qsTr("Open the demo case")
        onTriggered: actions.session.openDemo()
    }
    readonly property Action closeProject: Action {
        text: qsTr("Close project")
        enabled: actions.session.projectOpen
        onTriggered: actions.session.closeProject()
    }
    readonly property Action exportMasks: Action {
        text: qsTr("Export masks…")
        shortcut: "Ctrl+E"
        enabled: actions.session.projectOpen && actions.session.cases.allCount > 0
        onTriggered: actions.dialogWanted("export")
    }
    readonly property Action quit: Action {
        text: qsTr("Quit")
        shortcut: "Ctrl+Q"
        onTriggered: actions.quitWanted()
    }
    readonly property Action person: Action {
        text: qsTr("Your name…")
        onTriggered: actions.dialogWanted("person")
    }
    readonly property Action forgetBoxes: Action {
        text: qsTr("Forget what my boxes taught")
        onTriggered: actions.session.forgetBoxes()
    }
    readonly property Action previousCase: Action {
        text: qsTr("Previous case")
        shortcut: "PgUp"
        enabled: actions.session.hasPrevious
        onTriggered: actions.session.previousCase()
    }
    readonly property Action nextCase: Action {
        text: qsTr("Next case")
        shortcut: "PgDown"
        enabled: actions.session.hasNext
        onTriggered: actions.session.nextCase()
    }
    readonly property Action assignToMe: Action {
        text: qsTr("Assign to me")
        enabled: actions.session.caseOpen && actions.session.caseAssignee !== actions.session.preferences.personName
        onTriggered: actions.session.assignToMe()
    }
    readonly property Action submit: Action {
        text: qsTr("Submit for review")
        shortcut: "Ctrl+Return"
        enabled: actions.session.canSubmit
        onTriggered: actions.handOverWanted(() => actions.session.submit())
    }
    readonly property Action approve: Action {
        text: qsTr("Approve")
        enabled: actions.session.canJudge
        onTriggered: actions.handOverWanted(() => actions.session.approve())
    }
    readonly property Action reject: Action {
        text: qsTr("Reject…")
        enabled: actions.session.canJudge
        onTriggered: actions.handOverWanted(() => actions.dialogWanted("reject"))
    }
    readonly property Action reopen: Action {
        text: qsTr("Take up again")
        enabled: actions.session.canReopen
        onTriggered: actions.session.reopen()
    }
    readonly property Action removeCase: Action {
        text: qsTr("Remove from project…")
        enabled: actions.session.caseOpen
        onTriggered: actions.dialogWanted("removeCase")
    }
    readonly property Action model: Action {
        text: qsTr("Models…")
        onTriggered: actions.dialogWanted("model")
    }
    readonly property Action learn: Action {
        text: qsTr("Learn from this project…")
        enabled: actions.session.projectOpen
        onTriggered: actions.dialogWanted("learning")
    }
    readonly property Action keys: Action {
        text: qsTr("Keys")
        shortcut: "?"
        onTriggered: actions.dialogWanted("keys")
    }
    readonly property Action messages: Action {
        text: qsTr("Messages…")
        enabled: actions.session.notices.count > 0
        onTriggered: actions.dialogWanted("messages")
    }
    readonly property Action about: Action {
        text: qsTr("About Tandem")
        onTriggered: actions.dialogWanted("about")
    }
}
