import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Several images were found in what was opened: which of them become cases.
UiDialog {
    id: dialog

    required property Session session
    readonly property ImportChoice choice: session.importChoice

    objectName: "importDialog"
    title: qsTr("Which images?")

    UiText {
        text: dialog.choice.count === 1 ? qsTr("One image with several frames was found. The chosen frame becomes a case.") : qsTr("%1 images were found. Each one that is ticked becomes a case.").arg(dialog.choice.count)
        dim: true
        Layout.fillWidth: true
    }
    ListView {
        id: rows

        model: dialog.choice
        clip: true
        boundsBehavior: Flickable.StopAtBounds
        Layout.fillWidth: true
        Layout.fillHeight: true
        Layout.preferredHeight: Math.min(contentHeight, Theme.rowHeight * 8)
        Accessible.role: Accessible.List
        Accessible.name: qsTr("Images found")
        ScrollBar.vertical: ScrollBar {}

        delegate: RowLayout {
            id: row

            required property int index
            required property string description
            required property string file
            required property int frames
            required property int frame
            required property bool ticked

            width: ListView.view.width
            spacing: Theme.spacing

            UiCheckBox {
                text: row.description
                checked: row.ticked
                ToolTip.visible: hovered
                ToolTip.delay: Theme.tooltipDelay
                ToolTip.text: row.file
                Layout.fillWidth: true
                onToggled: dialog.choice.setTicked(row.index, checked)
            }
            UiText {
                text: qsTr("Frame")
                dim: true
                visible: row.frames > 1
            }
            SpinBox {
                from: 1
                to: row.frames
                value: row.frame + 1
                visible: row.frames > 1
                editable: true
                Accessible.name: qsTr("Frame of %1").arg(row.description)
                onValueModified: dialog.choice.setFrame(row.index, value - 1)
            }
        }
    }
    buttons: [
        UiButton {
            text: dialog.choice.tickedCount > 0 ? qsTr("None") : qsTr("All")
            kind: UiButton.Quiet
            onClicked: dialog.choice.tickAll(dialog.choice.tickedCount === 0)
        },
        UiButton {
            text: qsTr("Cancel")
            onClicked: dialog.close()
        },
        UiButton {
            objectName: "importConfirm"
            text: qsTr("Open %1").arg(dialog.choice.tickedCount)
            kind: UiButton.Primary
            enabled: dialog.choice.tickedCount > 0
            onClicked: {
                dialog.session.importChosen();
                dialog.close();
            }
        }
    ]
}
