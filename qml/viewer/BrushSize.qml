import QtQuick
import QtQuick.Controls.Basic
import Tandem.Document 1.0

/// The brush's radius; the slider runs over its logarithm, so that small brushes can be set finely.
Row {
    id: size

    required property Document document

    spacing: Theme.spacingSmall

    Text {
        anchors.verticalCenter: parent.verticalCenter
        text: qsTr("Radius")
        color: Theme.textDim
        font.pixelSize: Theme.fontNormal
    }
    Slider {
        id: slider
        anchors.verticalCenter: parent.verticalCenter
        implicitWidth: 120
        focusPolicy: Qt.NoFocus
        from: Math.log(size.document.minBrushRadiusMm)
        to: Math.log(size.document.maxBrushRadiusMm)
        value: Math.log(size.document.brushRadiusMm)
        onMoved: size.document.brushRadiusMm = Math.exp(value)
        palette.dark: Theme.accent
        palette.midlight: Theme.border
        Accessible.name: qsTr("Brush radius")
        ToolTip.text: qsTr("Brush radius ([ and ])")
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
        width: 56
        text: qsTr("%1 mm").arg(size.document.brushRadiusMm.toFixed(1))
        color: Theme.text
        font.pixelSize: Theme.fontNormal
    }
}
