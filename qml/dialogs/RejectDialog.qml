import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Sends a case back; asks why, and does not go on without an answer.
UiDialog {
    id: dialog

    required property Session session

    objectName: "rejectDialog"
    title: qsTr("Reject %1").arg(session.caseName)
    onOpened: reason.focusText()

    UiText {
        text: qsTr("What must be corrected? The annotator reads this with the case.")
        dim: true
        Layout.fillWidth: true
    }
    UiTextArea {
        id: reason

        objectName: "rejectReason"
        accessibleName: qsTr("Reason of the rejection")
        Layout.fillWidth: true
        Layout.preferredHeight: Theme.controlHeight * 3
    }
    buttons: [
        UiButton {
            text: qsTr("Cancel")
            onClicked: dialog.close()
        },
        UiButton {
            objectName: "rejectConfirm"
            text: qsTr("Reject")
            kind: UiButton.Danger
            enabled: reason.text.trim() !== ""
            tip: enabled ? "" : qsTr("Say why first")
            onClicked: {
                dialog.session.reject(reason.text);
                dialog.close();
            }
        }
    ]
}
