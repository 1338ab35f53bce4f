import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Asks for the name that goes into assignments and verdicts; then does what waited for it.
UiDialog {
    id: dialog

    required property Preferences preferences
    /// What was about to be done, or null.
    property var next: null

    function accept(): void {
        if (name.text.trim() === "")
            return;
        preferences.personName = name.text;
        const step = next;
        next = null;
        close();
        if (step)
            step();
    }

    objectName: "personDialog"
    title: qsTr("Your name")
    onOpened: {
        name.text = preferences.personName;
        name.selectAll();
        name.forceActiveFocus();
    }
    onClosed: next = null

    UiText {
        text: qsTr("It is kept in the project with what you submit, approve and reject. Asked once; Edit > Your name changes it.")
        dim: true
        Layout.fillWidth: true
    }
    UiTextField {
        id: name

        objectName: "personName"
        Accessible.name: qsTr("Your name")
        Layout.fillWidth: true
        onAccepted: dialog.accept()
    }
    buttons: [
        UiButton {
            text: qsTr("Cancel")
            onClicked: dialog.close()
        },
        UiButton {
            objectName: "personConfirm"
            text: qsTr("Continue")
            kind: UiButton.Primary
            enabled: name.text.trim() !== ""
            onClicked: dialog.accept()
        }
    ]
}
