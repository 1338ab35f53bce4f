import QtQuick
import Tandem.Ui

/// Loss and score of a run over the samples seen, both on a scale of 0 to 1.
Item {
    id: curve

    /// Points (samples, loss) and (samples, DSC).
    property var losses: []
    property var scores: []
    readonly property real samples: losses.length > 0 ? losses[losses.length - 1].x : 0

    implicitHeight: Theme.controlHeight * 4
    Accessible.role: Accessible.Graphic
    Accessible.name: qsTr("Learning curve")
    onLossesChanged: canvas.requestPaint()
    onScoresChanged: canvas.requestPaint()

    Rectangle {
        anchors.fill: canvas
        color: Theme.background
        radius: Theme.radius
    }
    Canvas {
        id: canvas

        function place(point: point): point {
            return Qt.point(curve.samples > 0 ? width * point.x / curve.samples : 0, height * (1 - Math.min(1, point.y)));
        }
        function drawLine(context: var, points: var, colour: color): void {
            context.strokeStyle = colour;
            context.lineWidth = 2 * Theme.lineWidth;
            context.beginPath();
            for (let i = 0; i < points.length; ++i) {
                const at = place(points[i]);
                if (i === 0)
                    context.moveTo(at.x, at.y);
                else
                    context.lineTo(at.x, at.y);
            }
            context.stroke();
        }
        function drawDots(context: var, points: var, colour: color): void {
            context.fillStyle = colour;
            for (let i = 0; i < points.length; ++i) {
                const at = place(points[i]);
                context.beginPath();
                context.arc(Math.min(at.x, width - Theme.spacingSmall), at.y, Theme.spacingSmall, 0, 2 * Math.PI);
                context.fill();
            }
        }

        anchors { left: parent.left; right: parent.right; top: parent.top; bottom: legend.top; bottomMargin: Theme.spacingSmall }
        onPaint: {
            const context = getContext("2d");
            context.clearRect(0, 0, width, height);
            drawLine(context, curve.losses, Theme.accent);
            drawDots(context, curve.scores, Theme.ok);
        }
    }
    Row {
        id: legend

        anchors { left: parent.left; bottom: parent.bottom }
        spacing: Theme.spacing

        UiText {
            text: curve.losses.length > 0 ? qsTr("— loss %1").arg(curve.losses[curve.losses.length - 1].y.toFixed(2)) : qsTr("— loss")
            color: Theme.accent
            font.pixelSize: Theme.fontSmall
        }
        UiText {
            text: curve.scores.length > 0 ? qsTr("● DSC of slices kept out %1").arg(curve.scores[curve.scores.length - 1].y.toFixed(2)) : ""
            color: Theme.ok
            font.pixelSize: Theme.fontSmall
        }
    }
    UiText {
        anchors { right: parent.right; bottom: parent.bottom }
        text: curve.samples > 0 ? qsTr("%1 samples").arg(curve.samples) : ""
        dim: true
        font.pixelSize: Theme.fontSmall
    }
}
