import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import QtQuick.Templates as T
import Tandem.Ui

/// A dialog over the window: a title, what it is about, and a row of buttons. Escape closes it.
Popup {
    id: dialog

    property string title: ""
    /// Buttons at the foot, right-aligned, the main one last.
    property alias buttons: foot.data
    default property alias body: main.data

    parent: T.Overlay.overlay
    anchors.centerIn: parent
    width: Math.min(Theme.dialogWidth, parent ? parent.width - 2 * Theme.spacingLarge : Theme.dialogWidth)
    height: Math.min(implicitHeight, parent ? parent.height - 2 * Theme.spacingLarge : implicitHeight)
    padding: Theme.spacingLarge
    modal: true
    focus: true
    closePolicy: Popup.CloseOnEscape

    T.Overlay.modal: Rectangle {
        color: Theme.scrim
    }
    background: Rectangle {
        color: Theme.surface
        radius: Theme.radius
        border.width: Theme.lineWidth
        border.color: Theme.borderStrong
    }
    contentItem: ColumnLayout {
        spacing: Theme.spacingLarge
        Accessible.role: Accessible.Dialog
        Accessible.name: dialog.title

        UiText {
            text: dialog.title
            font.pixelSize: Theme.fontLarge
            font.bold: true
            Layout.fillWidth: true
        }
        ColumnLayout {
            id: main

            spacing: Theme.spacing
            Layout.fillWidth: true
            Layout.fillHeight: true
        }
        RowLayout {
            id: foot

            spacing: Theme.spacing
            Layout.alignment: Qt.AlignRight
        }
    }
    enter: Transition {
        NumberAnimation { property: "opacity"; from: 0; to: 1; duration: Theme.durationShort }
    }
}
