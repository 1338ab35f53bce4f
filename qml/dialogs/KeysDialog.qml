import QtQuick
import QtQuick.Layouts
import Tandem.Ui

/// The sheet of keys.
UiDialog {
    id: dialog

    objectName: "keysDialog"
    title: qsTr("Keys and mouse")
    width: Math.min(Theme.dialogWidth * 1.4, parent ? parent.width - 2 * Theme.spacingLarge : Theme.dialogWidth)

    component Group: ColumnLayout {
        id: group

        required property string head
        /// Pairs of key and what it does.
        required property var rows

        spacing: Theme.spacingSmall
        Layout.fillWidth: true
        Layout.alignment: Qt.AlignTop
        Layout.preferredWidth: Theme.panelWidth

        UiText {
            text: group.head
            font.bold: true
        }
        Repeater {
            model: group.rows
            delegate: RowLayout {
                id: row

                required property var modelData

                spacing: Theme.spacing

                UiText {
                    text: row.modelData[0]
                    color: Theme.accent
                    wrapMode: Text.NoWrap
                    Layout.preferredWidth: Theme.controlWidth * 0.8
                    Layout.alignment: Qt.AlignTop
                }
                UiText {
                    text: row.modelData[1]
                    wrapMode: Text.NoWrap
                    elide: Text.ElideRight
                    Layout.fillWidth: true
                }
            }
        }
    }

    GridLayout {
        columns: 2
        columnSpacing: Theme.spacingLarge
        rowSpacing: Theme.spacingLarge
        Layout.fillWidth: true

        Group {
            head: qsTr("Tools")
            rows: [["X", qsTr("Navigate: crosshair")], ["V", qsTr("Box")], ["P", qsTr("Points and scribbles")], ["B", qsTr("Brush")], ["E", qsTr("Eraser")], ["L", qsTr("Lasso")], ["G", qsTr("Grow a region")], ["[  ]", qsTr("Smaller, larger: brush, tolerance")], ["1 … 9", qsTr("Label")]]
        }
        Group {
            head: qsTr("Proposal")
            rows: [[qsTr("Click  Drag"), qsTr("P: this belongs")], [qsTr("Shift+Click  Drag"), qsTr("P: this does not belong")], ["Enter", qsTr("Accept")], ["Tab", qsTr("Next mask that may be meant")], ["Esc", qsTr("Discard")], ["Shift+P", qsTr("Propagate through the slices")], ["Backspace", qsTr("Take the last point or scribble back")], ["Ctrl+Z", qsTr("Undo")], ["Ctrl+Shift+Z", qsTr("Redo")], ["Space", qsTr("Hold to hide masks")]]
        }
        Group {
            head: qsTr("Views")
            rows: [[qsTr("Wheel"), qsTr("Slice")], [qsTr("Ctrl+Wheel  +  −"), qsTr("Zoom")], [qsTr("Middle drag"), qsTr("Pan")], [qsTr("Right drag"), qsTr("Window and level")], ["I", qsTr("Invert grey values")], [qsTr("Comma  Dot"), qsTr("Previous, next slice")], ["M", qsTr("One view alone")], ["R", qsTr("Whole image in view")], ["F8  F9", qsTr("Panels")], ["F11", qsTr("Full screen")]]
        }
        Group {
            head: qsTr("Cases")
            rows: [["PgUp  PgDn", qsTr("Previous, next case")], ["Ctrl+Return", qsTr("Submit for review")], ["Ctrl+O", qsTr("Open")], ["Ctrl+Shift+O", qsTr("Open DICOM folder")], ["Ctrl+E", qsTr("Export masks")], ["?", qsTr("This sheet")]]
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
