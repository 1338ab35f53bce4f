import QtQuick
import QtQuick.Controls.Basic
import Tandem.Ui

/// One of several choices.
RadioButton {
    id: choice

    implicitHeight: Theme.controlHeight
    spacing: Theme.spacing
    font.pixelSize: Theme.fontNormal
    Accessible.name: text

    indicator: Rectangle {
        implicitWidth: Theme.iconSize
        implicitHeight: Theme.iconSize
        x: choice.leftPadding
        y: (choice.height - height) / 2
        radius: width / 2
        color: Theme.background
        border.width: choice.visualFocus ? Theme.focusWidth : Theme.lineWidth
        border.color: choice.visualFocus || choice.checked ? Theme.accent : Theme.borderStrong

        Rectangle {
            anchors.centerIn: parent
            width: parent.width / 2
            height: width
            radius: width / 2
            color: Theme.accent
            visible: choice.checked
        }
    }
    contentItem: Text {
        leftPadding: choice.indicator.width + choice.spacing
        text: choice.text
        font: choice.font
        color: choice.enabled ? Theme.text : Theme.textDisabled
        verticalAlignment: Text.AlignVCenter
    }
}
