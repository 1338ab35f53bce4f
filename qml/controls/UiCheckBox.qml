import QtQuick
import QtQuick.Controls.Basic
import Tandem.Ui

/// A box to tick.
CheckBox {
    id: box

    implicitHeight: Theme.controlHeight
    spacing: Theme.spacing
    font.pixelSize: Theme.fontNormal
    Accessible.name: text

    indicator: Rectangle {
        implicitWidth: Theme.iconSize
        implicitHeight: Theme.iconSize
        x: box.leftPadding
        y: (box.height - height) / 2
        radius: Theme.radius
        color: box.checked ? Theme.accent : Theme.background
        border.width: box.visualFocus ? Theme.focusWidth : Theme.lineWidth
        border.color: box.visualFocus || box.checked ? Theme.accent : Theme.borderStrong

        UiIcon {
            anchors.fill: parent
            iconName: "check"
            colour: Theme.inkOnAccent
            visible: box.checked
        }
    }
    contentItem: Text {
        leftPadding: box.indicator.width + box.spacing
        text: box.text
        font: box.font
        color: box.enabled ? Theme.text : Theme.textDisabled
        verticalAlignment: Text.AlignVCenter
        elide: Text.ElideMiddle
    }
}
