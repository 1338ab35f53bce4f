import QtQuick
import QtQuick.Controls.Basic
import Tandem.Ui

/// Several lines of text: to type, or (readOnly) to read and copy.
ScrollView {
    id: area

    property alias text: edit.text
    property alias readOnly: edit.readOnly
    property alias placeholderText: edit.placeholderText
    property alias mono: edit.mono
    property string accessibleName: placeholderText

    function focusText(): void {
        edit.forceActiveFocus();
    }

    clip: true
    contentWidth: availableWidth

    TextArea {
        id: edit

        property bool mono: false

        color: Theme.text
        placeholderTextColor: Theme.textDisabled
        selectionColor: Theme.accentDim
        selectedTextColor: Theme.text
        font.pixelSize: mono ? Theme.fontSmall : Theme.fontNormal
        font.family: mono ? Theme.fontMono : Qt.application.font.family
        wrapMode: TextEdit.Wrap
        selectByMouse: true
        leftPadding: Theme.spacing
        rightPadding: Theme.spacing
        Accessible.name: area.accessibleName
        // Tab leaves the field; a line of text holds no tab.
        KeyNavigation.priority: KeyNavigation.BeforeItem

        background: Rectangle {
            radius: Theme.radius
            color: Theme.background
            border.width: edit.activeFocus && !edit.readOnly ? Theme.focusWidth : Theme.lineWidth
            border.color: edit.activeFocus && !edit.readOnly ? Theme.accent : Theme.border
        }
    }
}
