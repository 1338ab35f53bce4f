import QtQuick
import QtQuick.Controls.Basic

/// A flat button with an icon, for strips and rows. Never takes the keyboard from the viewports.
ToolButton {
    id: button

    required property string hint
    property string symbol
    property color tint: Theme.text

    focusPolicy: Qt.NoFocus
    implicitWidth: Math.max(Theme.controlHeight, implicitContentWidth + leftPadding + rightPadding)
    implicitHeight: Theme.controlHeight
    leftPadding: text ? Theme.spacing : Theme.spacingSmall
    rightPadding: leftPadding
    spacing: Theme.spacingSmall
    font.pixelSize: Theme.fontNormal
    icon.source: symbol ? "qrc:/qt/qml/Tandem/Ui/icons/" + symbol + ".svg" : ""
    icon.width: Theme.iconSize
    icon.height: Theme.iconSize
    icon.color: !enabled ? Theme.textDisabled : tint
    palette.buttonText: enabled ? Theme.text : Theme.textDisabled
    Accessible.name: hint
    ToolTip.text: hint
    ToolTip.visible: hovered
    ToolTip.delay: Theme.tooltipDelay

    background: Rectangle {
        radius: Theme.radius
        color: button.checked ? Theme.accentDim
             : button.down ? Theme.surfacePressed
             : button.hovered && button.enabled ? Theme.surfaceHover : "transparent"
        border.color: button.checked ? Theme.accent : "transparent"
        border.width: Theme.lineWidth
    }
}
