import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Shown while no case is open: what can be done, and what is on its way.
Rectangle {
    id: page

    required property Session session
    required property ShellActions actions

    color: Theme.background

    ColumnLayout {
        anchors.centerIn: parent
        width: Math.min(Theme.textWidth, parent.width - 2 * Theme.spacingLarge)
        spacing: Theme.spacingLarge
        visible: !page.session.opening

        UiText {
            text: page.session.projectOpen ? qsTr("No case is open") : qsTr("Open a scan to begin")
            font.pixelSize: Theme.fontTitle
            horizontalAlignment: Text.AlignHCenter
            Layout.fillWidth: true
        }
        UiText {
            text: page.session.projectOpen ? qsTr("Choose a case on the left, or drop images into the window.") : qsTr("Drop images, DICOM folders or a project into the window, or open them here. What you draw is saved as you draw it: there is no Save.")
            dim: true
            horizontalAlignment: Text.AlignHCenter
            Layout.fillWidth: true
        }
        ColumnLayout {
            spacing: Theme.spacing
            Layout.alignment: Qt.AlignHCenter

            UiButton {
                objectName: "emptyOpen"
                text: qsTr("Open image or project…")
                icon.source: Theme.icon("file")
                kind: UiButton.Primary
                implicitWidth: Theme.wideButton
                onClicked: page.actions.open.trigger()
            }
            UiButton {
                objectName: "emptyOpenFolder"
                text: qsTr("Open DICOM folder…")
                icon.source: Theme.icon("folder")
                implicitWidth: Theme.wideButton
                onClicked: page.actions.openFolder.trigger()
            }
            UiButton {
                objectName: "emptyDemo"
                text: qsTr("Try the demo case")
                icon.source: Theme.icon("cube")
                implicitWidth: Theme.wideButton
                visible: !page.session.projectOpen
                onClicked: page.actions.openDemo.trigger()
            }
        }
        RecentList {
            session: page.session
            visible: !page.session.projectOpen && paths.length > 0
            Layout.fillWidth: true
        }
        UiText {
            text: qsTr("For research and training data. Not a medical device: do not use it for diagnosis.")
            dim: true
            font.pixelSize: Theme.fontSmall
            horizontalAlignment: Text.AlignHCenter
            Layout.fillWidth: true
        }
    }
}
