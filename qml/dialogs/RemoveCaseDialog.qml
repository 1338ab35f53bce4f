import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Asks before a case and all that was drawn on it leave the project: the one step that cannot be undone.
UiDialog {
    id: dialog

    required property Session session

    title: qsTr("Remove %1 from the project?").arg(session.caseName)

    UiText {
        text: qsTr("Its masks and their history are deleted from the project, and cannot be brought back. The image file stays where it is.")
        Layout.fillWidth: true
    }
    buttons: [
        UiButton {
            text: qsTr("Keep")
            focus: true
            onClicked: dialog.close()
        },
        UiButton {
            text: qsTr("Remove")
            kind: UiButton.Danger
            onClicked: {
                dialog.session.removeCase(dialog.session.caseId);
                dialog.close();
            }
        }
    ]
}
