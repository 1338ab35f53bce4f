import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Everything that was said since the program started, newest last, with its details; can be copied.
UiDialog {
    id: dialog

    required property NoticeList notices

    objectName: "messagesDialog"
    title: qsTr("Messages")
    onOpened: rows.positionViewAtEnd()

    ListView {
        id: rows

        model: dialog.notices
        clip: true
        spacing: Theme.spacingLarge
        boundsBehavior: Flickable.StopAtBounds
        Layout.fillWidth: true
        Layout.fillHeight: true
        Layout.preferredHeight: Math.min(Math.max(contentHeight, Theme.rowHeight), Theme.dialogWidth)
        Accessible.role: Accessible.List
        Accessible.name: qsTr("Messages")
        ScrollBar.vertical: ScrollBar {}

        delegate: MessageRow {
            width: ListView.view.width - Theme.spacingLarge
        }
    }
    buttons: [
        UiButton {
            text: qsTr("Close")
            kind: UiButton.Primary
            onClicked: dialog.close()
        }
    ]
}
