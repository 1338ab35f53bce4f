import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Over the work area while a case or a project is on its way; can be stopped.
Rectangle {
    id: curtain

    required property Session session

    objectName: "openingCurtain"
    visible: session.opening
    color: Theme.scrim

    // What lies below does not take the mouse meanwhile.
    MouseArea {
        anchors.fill: parent
        hoverEnabled: true
        onWheel: wheel => wheel.accepted = true
    }
    ColumnLayout {
        anchors.centerIn: parent
        width: Math.min(Theme.textWidth, parent.width - 2 * Theme.spacingLarge)
        spacing: Theme.spacing

        UiText {
            text: curtain.session.openingText
            font.pixelSize: Theme.fontLarge
            horizontalAlignment: Text.AlignHCenter
            wrapMode: Text.WrapAnywhere
            Layout.fillWidth: true
        }
        UiProgressBar {
            fraction: curtain.session.jobs.fraction
            Layout.alignment: Qt.AlignHCenter
        }
        UiButton {
            objectName: "stopOpening"
            text: qsTr("Stop")
            Layout.alignment: Qt.AlignHCenter
            onClicked: curtain.session.stopOpening()
        }
    }
}
