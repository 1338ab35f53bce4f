import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// The foot of the window: saved or saving, jobs, where the cursor is, the network, who works here.
Rectangle {
    id: bar

    required property Session session
    required property ShellActions actions

    implicitHeight: Theme.barHeight + Theme.lineWidth
    color: Theme.surface

    Rectangle {
        width: parent.width
        height: Theme.lineWidth
        color: Theme.border
    }
    RowLayout {
        anchors.fill: parent
        anchors.topMargin: Theme.lineWidth
        anchors.leftMargin: Theme.spacing + Theme.spacingSmall
        anchors.rightMargin: Theme.spacingSmall
        spacing: Theme.spacingLarge

        UiText {
            objectName: "savedText"
            text: bar.session.document.saving ? qsTr("Saving…") : qsTr("All changes saved")
            visible: bar.session.caseOpen
            dim: true
            font.pixelSize: Theme.fontSmall
            wrapMode: Text.NoWrap
        }
        JobsButton {
            jobs: bar.session.jobs
        }
        UiText {
            text: bar.session.caseOpen ? bar.session.imageDescription : ""
            dim: true
            font.pixelSize: Theme.fontSmall
            elide: Text.ElideRight
            wrapMode: Text.NoWrap
            Layout.fillWidth: true
        }
        ModelButton {
            model: bar.session.model
            onClicked: bar.actions.model.trigger()
        }
        UiButton {
            objectName: "personButton"
            kind: UiButton.Quiet
            implicitHeight: Theme.barHeight
            font.pixelSize: Theme.fontSmall
            icon.source: Theme.icon("person")
            icon.width: Theme.iconSmall
            icon.height: Theme.iconSmall
            text: bar.session.preferences.personName
            tip: qsTr("Your name in assignments and verdicts")
            onClicked: bar.actions.person.trigger()
        }
    }
}
