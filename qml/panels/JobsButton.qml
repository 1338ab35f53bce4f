import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// The one place for long work: what runs, how far it is, and a way to stop it.
UiButton {
    id: button

    required property JobList jobs

    objectName: "jobsButton"
    kind: UiButton.Quiet
    visible: jobs.count > 0
    text: jobs.count === 1 ? jobs.sentence : qsTr("%1 jobs").arg(jobs.count)
    implicitHeight: Theme.barHeight
    implicitWidth: Theme.jobsWidth
    font.pixelSize: Theme.fontSmall
    checked: popup.opened
    onClicked: popup.opened ? popup.close() : popup.open()

    contentItem: RowLayout {
        spacing: Theme.spacing

        Text {
            text: button.text
            font: button.font
            color: button.ink
            elide: Text.ElideMiddle
            Layout.fillWidth: true
        }
        UiProgressBar {
            fraction: button.jobs.fraction
            Layout.preferredWidth: Theme.controlWidth / 2
        }
    }

    Popup {
        id: popup

        y: -height - Theme.spacingSmall
        width: Theme.dialogWidth * 0.75
        padding: Theme.spacing
        closePolicy: Popup.CloseOnEscape | Popup.CloseOnPressOutsideParent
        onAboutToShow: rows.forceLayout()
        background: Rectangle {
            color: Theme.surfaceRaised
            radius: Theme.radius
            border.width: Theme.lineWidth
            border.color: Theme.borderStrong
        }
        contentItem: ListView {
            id: rows

            implicitHeight: contentHeight
            model: button.jobs
            spacing: Theme.spacing
            Accessible.role: Accessible.List
            Accessible.name: qsTr("Jobs")
            delegate: JobRow {
                width: ListView.view.width
                onStopWanted: button.jobs.cancel(jobId)
            }
        }
    }
}
