import QtQuick
import Tandem.Ui

/// How far something is; a band that wanders while nobody knows (fraction < 0).
Rectangle {
    id: bar

    property real fraction: -1

    implicitWidth: Theme.controlWidth
    implicitHeight: Theme.spacingSmall
    radius: height / 2
    color: Theme.surfacePressed
    clip: true
    Accessible.role: Accessible.ProgressBar
    Accessible.name: fraction < 0 ? qsTr("Working") : qsTr("%1 percent").arg(Math.round(fraction * 100))

    Rectangle {
        id: band

        readonly property real share: 0.3
        property real wander

        height: parent.height
        radius: parent.radius
        color: Theme.accent
        width: bar.width * (bar.fraction < 0 ? share : Math.min(1, bar.fraction))
        x: bar.fraction < 0 ? (bar.width - width) * wander : 0

        SequentialAnimation on wander {
            running: bar.visible && bar.fraction < 0
            loops: Animation.Infinite
            NumberAnimation { from: 0; to: 1; duration: Theme.durationWander; easing.type: Easing.InOutSine }
            NumberAnimation { from: 1; to: 0; duration: Theme.durationWander; easing.type: Easing.InOutSine }
        }
    }
}
