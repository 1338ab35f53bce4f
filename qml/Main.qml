import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// The window: menus, banner, cases on the left, the work in the middle, the status bar; dialogs come when asked for.
ApplicationWindow {
    id: window

    required property Session session

    width: Theme.windowWidth
    height: Theme.windowHeight
    minimumWidth: Theme.leastWindowWidth
    minimumHeight: Theme.leastWindowHeight
    visible: true
    title: !session.projectOpen ? qsTr("Tandem") : !session.caseOpen ? qsTr("%1 – Tandem").arg(projectTitle) : qsTr("%1 – %2 – Tandem").arg(session.caseName).arg(projectTitle)
    color: Theme.background
    palette {
        window: Theme.surface
        windowText: Theme.text
        base: Theme.background
        alternateBase: Theme.surface
        text: Theme.text
        button: Theme.surfaceRaised
        buttonText: Theme.text
        brightText: Theme.text
        highlight: Theme.accentDim
        highlightedText: Theme.text
        toolTipBase: Theme.surfaceRaised
        toolTipText: Theme.text
        placeholderText: Theme.textDisabled
        light: Theme.surfaceHover
        midlight: Theme.surfaceHover
        mid: Theme.border
        dark: Theme.borderStrong
        shadow: Theme.background
        link: Theme.accent
    }

    readonly property string projectTitle: session.projectIsScratch ? qsTr("Scratch project, everything is saved") : session.projectName

    Component.onCompleted: memory.restore()
    onClosing: memory.remember()

    WindowMemory {
        id: memory
        window: window
        preferences: window.session.preferences
    }
    ShellActions {
        id: shellActions
        session: window.session
        onDialogWanted: name => dialogs.show(name)
        onHandOverWanted: step => dialogs.whenNamed(step)
        onQuitWanted: window.close()
    }
    ViewActions {
        id: viewActions
        document: window.session.document
        propagation: window.session.propagation
        isFullScreen: window.visibility === Window.FullScreen
        onFullScreenWanted: on => on ? window.showFullScreen() : window.showNormal()
    }
    Dialogs {
        id: dialogs
        session: window.session
        anchors.fill: parent
    }

    menuBar: MainMenu {
        session: window.session
        actions: shellActions
        views: viewActions
    }
    footer: StatusBar {
        session: window.session
        actions: shellActions
    }

    RowLayout {
        anchors.fill: parent
        spacing: 0

        CasePanel {
            session: window.session
            actions: shellActions
            visible: window.session.projectOpen && viewActions.casePanel.checked
            Layout.fillHeight: true
        }
        Item {
            Layout.fillWidth: true
            Layout.fillHeight: true

            EmptyPage {
                anchors.fill: parent
                session: window.session
                actions: shellActions
                visible: !window.session.caseOpen
            }
            Loader {
                id: work

                anchors.fill: parent
                active: false
                asynchronous: true
                visible: window.session.caseOpen && status === Loader.Ready
                onLoaded: window.session.windowBuilt()
                sourceComponent: WorkArea {
                    document: window.session.document
                    propagation: window.session.propagation
                    labelsShown: viewActions.labelPanel.checked
                    keysEnabled: !dialogs.anyOpen
                }
            }
            OpeningCurtain {
                anchors.fill: parent
                session: window.session
            }
            // Over the views, not above them: nothing moves under the hand that draws.
            Banner {
                anchors { bottom: parent.bottom; bottomMargin: 2 * Theme.barHeight; horizontalCenter: parent.horizontalCenter }
                width: Math.min(parent.width - 4 * Theme.spacing, 2 * Theme.textWidth)
                notices: window.session.notices
                onDetailsWanted: dialogs.show("messages")
            }
        }
    }
    DropZone {
        anchors.fill: parent
        onFilesDropped: urls => window.session.open(urls)
    }

    // The views are built once the first frame is on screen, piece by piece, before anyone asks for them; only then
    // do reading and the network compete with them for the machine.
    Timer {
        interval: 1
        running: window.frameShown
        onTriggered: work.active = true
    }
    property bool frameShown: false
    onFrameSwapped: frameShown = true
}
