import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Plans an export of masks, runs it, and says what came of it.
UiDialog {
    id: dialog

    required property ExportPlan plan
    required property CaseList cases
    required property JobList jobs
    signal folderWanted

    objectName: "exportDialog"
    title: qsTr("Export masks")
    onAboutToShow: plan.prepare()

    component Head: UiText {
        dim: true
        Layout.topMargin: Theme.spacingSmall
        Layout.fillWidth: true
    }

    Head { text: qsTr("Cases") }
    RowLayout {
        spacing: Theme.spacingLarge

        UiRadioButton {
            objectName: "exportApproved"
            text: qsTr("Approved (%1)").arg(dialog.cases.approvedCount)
            checked: dialog.plan.approvedOnly
            onToggled: dialog.plan.approvedOnly = true
        }
        UiRadioButton {
            objectName: "exportAll"
            text: qsTr("All (%1)").arg(dialog.cases.allCount)
            checked: !dialog.plan.approvedOnly
            onToggled: dialog.plan.approvedOnly = false
        }
    }
    Head { text: qsTr("Folder") }
    RowLayout {
        spacing: Theme.spacing

        UiTextField {
            objectName: "exportFolder"
            text: dialog.plan.folder
            Accessible.name: qsTr("Folder")
            Layout.fillWidth: true
            onTextEdited: dialog.plan.folder = text
        }
        UiButton {
            text: qsTr("Choose…")
            onClicked: dialog.folderWanted()
        }
    }
    Head { text: qsTr("Files") }
    RowLayout {
        spacing: Theme.spacing

        UiText {
            text: qsTr("After the case's name")
            wrapMode: Text.NoWrap
        }
        UiTextField {
            objectName: "exportSuffix"
            text: dialog.plan.suffix
            Accessible.name: qsTr("What file names get after the case's name")
            onTextEdited: dialog.plan.suffix = text
        }
        UiCheckBox {
            text: qsTr("One file for each label")
            checked: dialog.plan.filePerLabel
            Layout.fillWidth: true
            onToggled: dialog.plan.filePerLabel = checked
        }
    }
    UiText {
        text: dialog.plan.caseCount === 0 ? qsTr("No case is approved yet. Choose all cases to export what there is.") : dialog.plan.preview.join("\n")
        color: dialog.plan.caseCount === 0 ? Theme.warning : Theme.textDim
        font.pixelSize: Theme.fontSmall
        elide: Text.ElideMiddle
        Layout.fillWidth: true
    }
    UiCheckBox {
        objectName: "exportReplace"
        text: qsTr("Replace files of an earlier export")
        checked: dialog.plan.replace
        Layout.fillWidth: true
        onToggled: dialog.plan.replace = checked
    }
    UiProgressBar {
        visible: dialog.plan.running
        fraction: dialog.jobs.fraction
        Layout.fillWidth: true
    }
    UiText {
        objectName: "exportReport"
        text: dialog.plan.report
        visible: text !== "" && !dialog.plan.running
        color: dialog.plan.outcome === ExportPlan.Done ? Theme.ok : Theme.danger
        wrapMode: Text.WrapAtWordBoundaryOrAnywhere
        Layout.fillWidth: true
        Layout.topMargin: Theme.spacing
    }
    UiTextArea {
        text: dialog.plan.reportDetails
        visible: text !== "" && !dialog.plan.running
        readOnly: true
        mono: true
        accessibleName: qsTr("Files written")
        Layout.fillWidth: true
        Layout.preferredHeight: Theme.controlHeight * 3
    }

    buttons: [
        UiButton {
            text: dialog.plan.outcome === ExportPlan.Done ? qsTr("Close") : qsTr("Cancel")
            onClicked: {
                if (dialog.plan.running)
                    dialog.plan.stop();
                else
                    dialog.close();
            }
        },
        UiButton {
            objectName: "exportStart"
            text: dialog.plan.running ? qsTr("Exporting…") : dialog.plan.caseCount === 1 ? qsTr("Export 1 case") : qsTr("Export %1 cases").arg(dialog.plan.caseCount)
            kind: UiButton.Primary
            enabled: dialog.plan.ready
            onClicked: dialog.plan.start()
        }
    ]
}
