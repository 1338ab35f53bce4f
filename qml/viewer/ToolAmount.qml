import QtQuick
import QtQuick.Controls.Basic

/// A setting of a tool: a size or a tolerance. The slider runs over its logarithm, so that small ones can be set finely.
Row {
    id: amount

    required property string title
    required property string hint
    required property real value
    required property real from
    required property real to
    /// The value with its unit.
    required property string shown
    /// Without its words.
    property bool compact: false

    signal moved(real value)

    spacing: Theme.spacingSmall

    Text {
        anchors.verticalCenter: parent.verticalCenter
        text: amount.title
        visible: !amount.compact
        color: Theme.textDim
        font.pixelSize: Theme.fontNormal
    }
    Slider {
        id: slider
        anchors.verticalCenter: parent.verticalCenter
        implicitWidth: amount.compact ? 60 : 120
        focusPolicy: Qt.NoFocus
        from: Math.log(amount.from)
        to: Math.log(amount.to)
        value: Math.log(amount.value)
        onMoved: amount.moved(Math.exp(value))
        palette.dark: Theme.accent
        palette.midlight: Theme.border
        Accessible.name: amount.hint
        ToolTip.text: amount.hint
        ToolTip.visible: hovered
        ToolTip.delay: Theme.tooltipDelay

        background: Rectangle {
            x: slider.leftPadding
            y: slider.topPadding + (slider.availableHeight - height) / 2
            width: slider.availableWidth
            height: Theme.spacingSmall
            radius: height / 2
            color: Theme.border
            Rectangle {
                width: slider.visualPosition * parent.width
                height: parent.height
                radius: parent.radius
                color: Theme.accent
            }
        }
        handle: Rectangle {
            x: slider.leftPadding + slider.visualPosition * (slider.availableWidth - width)
            y: slider.topPadding + (slider.availableHeight - height) / 2
            width: 2 * Theme.spacing
            height: width
            radius: width / 2
            color: slider.pressed ? Theme.accent : Theme.text
        }
    }
    Text {
        anchors.verticalCenter: parent.verticalCenter
        width: 64
        text: amount.shown
        visible: !amount.compact
        color: Theme.text
        font.pixelSize: Theme.fontNormal
    }
}
