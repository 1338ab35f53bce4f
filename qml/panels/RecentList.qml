import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// The newest few of the projects opened before, as buttons.
ColumnLayout {
    id: recent

    required property Session session

    readonly property int shownAtMost: 4
    readonly property list<string> paths: session.preferences.recentProjects.slice(0, shownAtMost)

    spacing: Theme.spacingTiny

    UiText {
        text: qsTr("Recent projects")
        dim: true
        horizontalAlignment: Text.AlignHCenter
        Layout.fillWidth: true
    }
    Repeater {
        model: recent.paths
        delegate: UiButton {
            required property string modelData

            kind: UiButton.Quiet
            text: modelData.split("/").pop().replace(/\.tandem$/, "")
            tip: modelData
            icon.source: Theme.icon("project")
            Layout.alignment: Qt.AlignHCenter
            onClicked: recent.session.openPaths([modelData])
        }
    }
}
