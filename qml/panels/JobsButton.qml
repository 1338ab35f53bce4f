import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// The one place for long work: what runs, how far it is, a way to stop it, and what came of work that nobody waited for.
UiButton {
    id: button

    required property JobList jobs

    objectName: "jobsButton"
    kind: UiButton.Quiet
    visible: jobs.count > 0 || jobs.note !== ""
    text: jobs.count === 0 ? jobs.note : jobs.count === 1 ? jobs.sentence : qsTr("%1 jobs").arg(jobs.count)
    implicitHeight: Theme.barHeight
    implicitWidth: jobs.count > 0 ? Theme.jobsWidth : Math.min(1.5 * Theme.jobsWidth, words.implicitWidth + leftPadding + rightPadding)
    font.pixelSize: Theme.fontSmall
    checked: popup.opened
    onClicked: popup.opened ? popup.close() : popup.open()

    contentItem: RowLayout {
        spacing: Theme.spacing

        Text {
            id: words

            text: button.text
            font: button.font
            color: button.ink
            elide: Text.ElideMiddle
            Layout.fillWidth: true
        }
        UiProgressBar {
            fraction: button.jobs.fraction
            visible: button.jobs.count > 0
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
        contentItem: ColumnLayout {
            spacing: Theme.spacing

            ListView {
                id: rows

                implicitHeight: contentHeight
                model: button.jobs
                spacing: Theme.spacing
                visible: count > 0
                Layout.fillWidth: true
                Accessible.role: Accessible.List
                Accessible.name: qsTr("Jobs")
                delegate: JobRow {
                    width: ListView.view.width
                    onStopWanted: button.jobs.cancel(jobId)
                }
            }
            RowLayout {
                spacing: Theme.spacing
                visible: button.jobs.note !== ""

                UiText {
                    objectName: "jobNote"
                    text: button.jobs.note
                    Layout.fillWidth: true
                }
                UiButton {
                    objectName: "dismissNote"
                    kind: UiButton.Quiet
                    icon.source: Theme.icon("cross")
                    tip: qsTr("Dismiss")
                    onClicked: {
                        popup.close();
                        button.jobs.note = "";
                    }
                }
            }
        }
    }
}
