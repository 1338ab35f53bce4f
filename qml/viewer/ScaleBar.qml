import QtQuick

/// A length in the image: a bar with ends, and its figure.
Item {
    id: bar

    required property real lengthMm
    required property real pixelsPerMm
    readonly property real lengthPx: Math.round(lengthMm * pixelsPerMm)

    implicitWidth: Math.max(lengthPx, figure.implicitWidth)
    implicitHeight: figure.implicitHeight + Theme.spacing
    visible: lengthMm > 0

    ImageText {
        id: figure
        anchors { right: parent.right; top: parent.top }
        text: bar.lengthMm >= 10 ? qsTr("%1 cm").arg(bar.lengthMm / 10) : qsTr("%1 mm").arg(bar.lengthMm)
    }

    component Stroke: Rectangle {
        color: Theme.text
        border.color: "#c0000000"
        border.width: Theme.lineWidth
    }
    Stroke {
        anchors.right: parent.right
        y: bar.height - Theme.spacingSmall - 1
        width: bar.lengthPx
        height: 3 * Theme.lineWidth
    }
}
