import QtQuick
import QtQuick.Layouts
import Tandem.Ui

/// One job: what it does, how far it is, a button that stops it.
RowLayout {
    id: row

    required property int jobId
    required property string title
    required property string sentence
    required property real fraction
    required property string timeLeft
    signal stopWanted

    spacing: Theme.spacing

    ColumnLayout {
        spacing: Theme.spacingSmall
        Layout.fillWidth: true

        UiText {
            text: row.title
            elide: Text.ElideMiddle
            wrapMode: Text.NoWrap
            Layout.fillWidth: true
        }
        UiProgressBar {
            fraction: row.fraction
            Layout.fillWidth: true
        }
        UiText {
            text: row.timeLeft === "" ? row.sentence : qsTr("%1, %2").arg(row.sentence).arg(row.timeLeft)
            dim: true
            font.pixelSize: Theme.fontSmall
            elide: Text.ElideMiddle
            wrapMode: Text.NoWrap
            visible: text !== ""
            Layout.fillWidth: true
        }
    }
    UiButton {
        objectName: "stopJob"
        kind: UiButton.Quiet
        icon.source: Theme.icon("cross")
        tip: qsTr("Stop %1").arg(row.title)
        onClicked: row.stopWanted()
    }
}
