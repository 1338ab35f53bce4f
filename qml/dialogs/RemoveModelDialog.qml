import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Asks before a model's file is deleted from the models folder.
UiDialog {
    id: dialog

    required property ModelShelf models
    property int row: -1
    property string name: ""

    function ask(row: int, name: string): void {
        dialog.row = row;
        dialog.name = name;
        open();
    }

    objectName: "removeModelDialog"
    title: qsTr("Remove %1?").arg(name)

    UiText {
        text: qsTr("Its file is deleted from the models folder. Projects that have it as their default use the bundled model from then on, and say so; masks and prompts stay as they are.")
        Layout.fillWidth: true
    }
    buttons: [
        UiButton {
            text: qsTr("Keep")
            focus: true
            onClicked: dialog.close()
        },
        UiButton {
            objectName: "modelRemoveConfirm"
            text: qsTr("Remove")
            kind: UiButton.Danger
            onClicked: {
                dialog.models.remove(dialog.row);
                dialog.close();
            }
        }
    ]
}
