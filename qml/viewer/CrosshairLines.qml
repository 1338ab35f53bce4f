import QtQuick
import Tandem.Document 1.0

/// Two thin lines through the cursor's voxel, open around it.
Item {
    id: lines
    objectName: "crosshair"

    required property SliceItem slice
    readonly property int gap: 2 * Theme.spacing
    readonly property real atX: Math.round(slice.crosshair.x)
    readonly property real atY: Math.round(slice.crosshair.y)

    anchors.fill: parent
    opacity: 0.65

    component Line: Rectangle {
        color: Theme.accent
    }
    Line { x: 0; y: lines.atY; height: Theme.lineWidth; width: Math.max(0, lines.atX - lines.gap) }
    Line { x: lines.atX + lines.gap; y: lines.atY; height: Theme.lineWidth; width: Math.max(0, lines.width - x) }
    Line { x: lines.atX; y: 0; width: Theme.lineWidth; height: Math.max(0, lines.atY - lines.gap) }
    Line { x: lines.atX; y: lines.atY + lines.gap; width: Theme.lineWidth; height: Math.max(0, lines.height - y) }
}
