import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// What the network in use is; choose another file, or go back to the bundled one.
UiDialog {
    id: dialog

    required property ModelChooser model
    /// How long the network's last answer took; 0 before the first.
    property real answerMs: 0
    signal fileWanted

    readonly property bool busy: model.state === ModelChooser.Loading
    readonly property int split: model.problem.indexOf("\n")

    objectName: "modelDialog"
    title: qsTr("Model in use")

    component Line: RowLayout {
        id: line

        property string head
        property string value

        visible: value !== ""
        spacing: Theme.spacing
        Layout.fillWidth: true

        UiText {
            text: line.head
            dim: true
            Layout.preferredWidth: Theme.controlWidth / 2 + Theme.spacingLarge
            Layout.alignment: Qt.AlignTop
        }
        UiText {
            text: line.value
            wrapMode: Text.WrapAtWordBoundaryOrAnywhere
            Layout.fillWidth: true
        }
    }

    UiText {
        text: dialog.model.state === ModelChooser.Unavailable ? qsTr("The network cannot run on this machine.") : qsTr("No model is loaded. Brush and eraser work without one.")
        visible: dialog.model.name === "" && !dialog.busy
        Layout.fillWidth: true
    }
    Line { head: qsTr("Name"); value: dialog.model.name }
    Line { head: qsTr("Kind"); value: dialog.model.description }
    Line { head: qsTr("Variant"); value: dialog.model.variant }
    Line { head: qsTr("Size"); value: dialog.model.size }
    Line { head: qsTr("Prompts"); value: dialog.model.prompts }
    Line { head: qsTr("File"); value: dialog.model.bundled ? qsTr("%1 (bundled)").arg(dialog.model.file) : dialog.model.file }
    Line { head: qsTr("Identity"); value: dialog.model.idShort }
    Line { head: qsTr("Runs on"); value: dialog.model.name === "" ? "" : dialog.answerMs > 0 ? qsTr("CPU; the last answer took %1 ms").arg(Math.round(dialog.answerMs)) : qsTr("CPU") }

    ColumnLayout {
        visible: dialog.busy
        spacing: Theme.spacing
        Layout.fillWidth: true
        Layout.topMargin: Theme.spacing

        UiText {
            text: dialog.model.loadingName === "" ? qsTr("Starting the network…") : qsTr("Loading %1…").arg(dialog.model.loadingName)
            Layout.fillWidth: true
        }
        UiProgressBar {
            Layout.fillWidth: true
        }
    }
    UiText {
        objectName: "modelProblem"
        text: dialog.split < 0 ? dialog.model.problem : dialog.model.problem.substring(0, dialog.split)
        visible: text !== ""
        color: Theme.danger
        wrapMode: Text.WrapAtWordBoundaryOrAnywhere
        Layout.fillWidth: true
        Layout.topMargin: Theme.spacing
    }
    UiTextArea {
        text: dialog.split < 0 ? "" : dialog.model.problem.substring(dialog.split + 1)
        visible: text !== ""
        readOnly: true
        mono: true
        accessibleName: qsTr("What is wrong with the file")
        Layout.fillWidth: true
        Layout.preferredHeight: Theme.controlHeight * 4
    }
    buttons: [
        UiButton {
            objectName: "modelBundled"
            text: qsTr("Use the bundled model")
            visible: dialog.model.hasBundled && !dialog.model.bundled
            enabled: !dialog.busy
            onClicked: dialog.model.useBundled()
        },
        UiButton {
            objectName: "modelChoose"
            text: qsTr("Choose a file…")
            enabled: !dialog.busy && dialog.model.state !== ModelChooser.Unavailable
            onClicked: dialog.fileWanted()
        },
        UiButton {
            text: qsTr("Close")
            kind: UiButton.Primary
            onClicked: dialog.close()
        }
    ]
}
