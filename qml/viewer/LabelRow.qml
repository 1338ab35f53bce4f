import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Document 1.0

/// One label: number, colour, name, volume; eye and lock; a menu on the right mouse button.
ItemDelegate {
    id: row

    required property Document document
    required property int labelId
    required property string name
    required property color colour
    required property bool locked
    required property double volumeMl
    required property var model // for `visible`, a name that items have themselves
    readonly property bool shown: model.visible
    readonly property bool active: document.activeLabel === labelId
    property bool renaming: false

    implicitHeight: Theme.controlHeight + Theme.spacingSmall
    focusPolicy: Qt.NoFocus
    leftPadding: Theme.spacing
    rightPadding: Theme.spacingSmall
    topPadding: 0
    bottomPadding: 0
    Accessible.name: name
    onClicked: document.selectLabel(labelId)
    onDoubleClicked: document.showLabel(labelId)

    background: Rectangle {
        color: row.active ? Theme.accentDim : row.hovered ? Theme.surfaceHover : "transparent"
    }

    contentItem: RowLayout {
        spacing: Theme.spacing

        Text {
            text: row.labelId
            color: Theme.textDim
            font.pixelSize: Theme.fontSmall
            horizontalAlignment: Text.AlignRight
            Layout.preferredWidth: 2 * Theme.spacing
        }
        Rectangle {
            implicitWidth: Theme.spacing + Theme.spacingSmall
            implicitHeight: implicitWidth
            radius: Theme.radius / 2
            color: row.shown ? row.colour : "transparent"
            border.color: row.colour
            border.width: 2 * Theme.lineWidth
        }
        Text {
            visible: !row.renaming
            Layout.fillWidth: true
            text: row.name
            textFormat: Text.PlainText
            color: row.shown ? Theme.text : Theme.textDim
            font.pixelSize: Theme.fontNormal
            elide: Text.ElideRight
        }
        TextField {
            id: editor
            visible: row.renaming
            Layout.fillWidth: true
            implicitHeight: Theme.controlHeight - Theme.spacingSmall
            font.pixelSize: Theme.fontNormal
            color: Theme.text
            selectByMouse: true
            background: Rectangle {
                color: Theme.background
                border.color: Theme.accent
                radius: Theme.radius
            }
            Keys.onShortcutOverride: event => event.accepted = event.key === Qt.Key_Escape
            Keys.onEscapePressed: {
                text = row.name;
                row.renaming = false;
            }
            onAccepted: row.renaming = false
            onEditingFinished: if (text !== row.name) row.document.renameLabel(row.labelId, text)
            onActiveFocusChanged: if (!activeFocus) row.renaming = false
        }
        Text {
            visible: !row.renaming && row.volumeMl > 0
            text: row.volumeMl < 10 ? qsTr("%1 ml").arg(row.volumeMl.toFixed(2))
                                    : qsTr("%1 ml").arg(row.volumeMl.toFixed(0))
            color: Theme.textDim
            font.pixelSize: Theme.fontSmall
        }
        StripButton {
            symbol: row.shown ? "eye" : "eye-off"
            tint: row.shown ? Theme.textDim : Theme.textDisabled
            hint: row.shown ? qsTr("Hide this label") : qsTr("Show this label")
            Layout.rightMargin: -Theme.spacing
            onClicked: row.document.setLabelVisible(row.labelId, !row.shown)
        }
        StripButton {
            symbol: row.locked ? "lock" : "unlock"
            tint: row.locked ? Theme.warning : Theme.textDisabled
            hint: row.locked ? qsTr("Unlock: tools may change it again") : qsTr("Lock: no tool and no network changes it")
            onClicked: row.document.setLabelLocked(row.labelId, !row.locked)
        }
    }

    TapHandler {
        acceptedButtons: Qt.RightButton
        onTapped: menu.popup()
    }
    LabelMenu {
        id: menu
        onRename: {
            editor.text = row.name;
            row.renaming = true;
            editor.forceActiveFocus();
            editor.selectAll();
        }
        onShow: row.document.showLabel(row.labelId)
        onChooseColour: colour => row.document.setLabelColour(row.labelId, colour)
        onRemove: row.document.removeLabel(row.labelId)
    }
}
