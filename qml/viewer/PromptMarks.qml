import QtQuick
import QtQuick.Shapes
import Tandem.Document 1.0

/// The prompts on a slice: the box along voxel edges, points as + and - in circles, scribbles as lines (what belongs is
/// drawn through, what does not is dashed), the lasso and
/// the brush's ring.
Item {
    id: marks

    required property Document document
    required property SliceItem slice
    readonly property bool painting: document.tool === Document.Brush || document.tool === Document.Eraser

    anchors.fill: parent

    Rectangle {
        visible: marks.slice.boxRect.width > 0
        x: marks.slice.boxRect.x
        y: marks.slice.boxRect.y
        width: marks.slice.boxRect.width
        height: marks.slice.boxRect.height
        color: "transparent"
        border.color: "#c0000000"
        border.width: 3 * Theme.lineWidth

        Rectangle {
            anchors.fill: parent
            anchors.margins: Theme.lineWidth
            color: "transparent"
            border.color: Theme.warning
            border.width: Theme.lineWidth
        }
    }

    component Line: ShapePath {
        property alias path: polyline.path

        fillColor: "transparent"
        capStyle: ShapePath.RoundCap
        joinStyle: ShapePath.RoundJoin
        PathPolyline { id: polyline }
    }

    Repeater {
        model: marks.slice.scribbles

        delegate: Shape {
            id: scribble

            required property var modelData

            anchors.fill: parent

            Line {
                path: scribble.modelData.path
                strokeColor: "#c0000000"
                strokeWidth: 4 * Theme.lineWidth
            }
            Line {
                path: scribble.modelData.path
                strokeColor: scribble.modelData.foreground ? Theme.ok : Theme.danger
                strokeWidth: 2 * Theme.lineWidth
                strokeStyle: scribble.modelData.foreground ? ShapePath.SolidLine : ShapePath.DashLine
                dashPattern: [2, 3]
            }
        }
    }

    Shape {
        anchors.fill: parent
        visible: marks.slice.lasso.length > 0

        Line {
            path: marks.slice.lasso
            strokeColor: "#c0000000"
            strokeWidth: 3 * Theme.lineWidth
        }
        Line {
            path: marks.slice.lasso
            strokeColor: marks.document.activeLabelColour
            strokeWidth: Theme.lineWidth
        }
    }

    Repeater {
        model: marks.slice.promptPoints

        delegate: Rectangle {
            id: dot

            required property var modelData

            width: 2 * Theme.spacing
            height: width
            radius: width / 2
            x: modelData.x - radius
            y: modelData.y - radius
            color: modelData.foreground ? Theme.ok : Theme.danger
            border.color: "#c0000000"
            border.width: Theme.lineWidth

            Rectangle {
                anchors.centerIn: parent
                width: Theme.spacing
                height: 2 * Theme.lineWidth
                color: Theme.inkOnAccent
            }
            Rectangle {
                visible: dot.modelData.foreground
                anchors.centerIn: parent
                width: 2 * Theme.lineWidth
                height: Theme.spacing
                color: Theme.inkOnAccent
            }
        }
    }

    Rectangle {
        visible: marks.painting && marks.slice.hovered
        width: 2 * marks.document.brushRadiusMm * marks.slice.pixelsPerMm
        height: width
        radius: width / 2
        x: marks.slice.hoverPoint.x - radius
        y: marks.slice.hoverPoint.y - radius
        color: "transparent"
        border.color: marks.document.tool === Document.Eraser ? Theme.text : marks.document.activeLabelColour
        border.width: Theme.lineWidth
        antialiasing: true
    }
}
