import QtQuick
import QtQuick.Controls.Basic
import Tandem.Ui

/// A push button: plain, primary (the one thing to do), danger, or quiet (no frame until it is pointed at).
Button {
    id: button

    enum Kind { Plain, Primary, Danger, Quiet }

    property int kind: UiButton.Plain
    /// Says what the button does when its text cannot; with the key that does the same.
    property string tip: ""

    readonly property color ink: !enabled ? Theme.textDisabled : kind === UiButton.Primary ? Theme.inkOnAccent : kind === UiButton.Danger ? Theme.danger : Theme.text
    readonly property color fill: !enabled ? "transparent" : kind === UiButton.Primary ? (down || hovered ? Qt.lighter(Theme.accent, 1.1) : Theme.accent) : down || checked ? Theme.surfacePressed : hovered ? Theme.surfaceHover : kind === UiButton.Quiet ? "transparent" : Theme.surfaceRaised

    implicitHeight: Theme.controlHeight
    leftPadding: text === "" ? Theme.spacingSmall : Theme.spacing + Theme.spacingSmall
    rightPadding: leftPadding
    topPadding: 0
    bottomPadding: 0
    spacing: Theme.spacing
    font.pixelSize: Theme.fontNormal
    icon.width: Theme.iconSize
    icon.height: Theme.iconSize
    icon.color: ink
    palette.buttonText: ink
    palette.brightText: ink
    palette.windowText: ink
    hoverEnabled: true
    Accessible.name: text !== "" ? text : tip
    Accessible.description: tip

    ToolTip.visible: hovered && tip !== ""
    ToolTip.delay: Theme.tooltipDelay
    ToolTip.text: tip

    background: Rectangle {
        radius: Theme.radius
        color: button.fill
        border.width: button.visualFocus ? Theme.focusWidth : button.kind === UiButton.Quiet || button.kind === UiButton.Primary && button.enabled ? 0 : Theme.lineWidth
        border.color: button.visualFocus ? Theme.accent : Theme.border
    }
}
