import QtQuick
import QtQuick.Controls.Basic
import Tandem.Document 1.0

/// How strongly the inside of masks covers the image; outlines stay.
Slider {
    id: slider

    required property Document document

    focusPolicy: Qt.NoFocus
    from: 0
    to: 1
    value: document.maskOpacity
    onMoved: document.maskOpacity = value
    implicitHeight: Theme.controlHeight
    Accessible.name: qsTr("Opacity of the masks")
    ToolTip.text: qsTr("Opacity of the masks. Hold Space to hide them.")
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
