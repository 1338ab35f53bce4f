import QtQuick
import Tandem.Document 1.0

/// Beside a view: all slices of its plane from top to bottom, those that the network answers at once in colour, and
/// where one is.
Item {
    id: strip

    required property Document document
    required property int plane
    required property int sliceIndex
    readonly property real slot: height / Math.max(1, document.open ? document.sliceCount(plane) : 1)

    objectName: "readyStrip"
    visible: document.open && document.activePlane === plane && document.readyRuns.length > 0
    implicitWidth: Theme.spacingSmall
    Accessible.role: Accessible.Indicator
    Accessible.name: qsTr("Slices that the network answers at once")

    Rectangle {
        anchors.fill: parent
        color: Theme.surfaceRaised
        opacity: 0.6
    }
    Repeater {
        model: strip.document.readyRuns
        Rectangle {
            required property var modelData
            objectName: "readyRun"
            y: modelData[0] * strip.height
            width: strip.width
            height: Math.max(Theme.lineWidth, modelData[1] * strip.height)
            color: Theme.ok
        }
    }
    Rectangle {
        y: strip.document.open ? strip.document.stripPlace(strip.plane, strip.sliceIndex) * strip.height : 0
        width: strip.width
        height: Math.max(2 * Theme.lineWidth, strip.slot)
        color: Theme.text
    }
}
