import QtQuick
import QtQuick.Controls.Basic
import Tandem.Ui

/// One line of text to type.
TextField {
    id: field

    implicitWidth: Theme.controlWidth
    implicitHeight: Theme.controlHeight
    leftPadding: Theme.spacing
    rightPadding: Theme.spacing
    color: enabled ? Theme.text : Theme.textDisabled
    placeholderTextColor: Theme.textDisabled
    selectionColor: Theme.accentDim
    selectedTextColor: Theme.text
    font.pixelSize: Theme.fontNormal
    selectByMouse: true
    verticalAlignment: TextInput.AlignVCenter
    Accessible.name: placeholderText

    background: Rectangle {
        radius: Theme.radius
        color: Theme.background
        border.width: field.activeFocus ? Theme.focusWidth : Theme.lineWidth
        border.color: field.activeFocus ? Theme.accent : Theme.borderStrong
    }
}
