import QtQuick
import Tandem.Ui

/// A case's state: shape, word and colour say the same.
Row {
    id: badge

    required property int caseState

    readonly property string word: [qsTr("New"), qsTr("In progress"), qsTr("Submitted"), qsTr("Approved"), qsTr("Rejected")][caseState]
    readonly property color colour: [Theme.textDim, Theme.accent, Theme.warning, Theme.ok, Theme.danger][caseState]
    readonly property string shape: ["state-new", "state-in-progress", "state-submitted", "state-approved", "state-rejected"][caseState]

    spacing: Theme.spacingSmall
    Accessible.role: Accessible.StaticText
    Accessible.name: word

    UiIcon {
        anchors.verticalCenter: parent.verticalCenter
        iconName: badge.shape
        colour: badge.colour
        sourceSize.width: Theme.iconSmall
        sourceSize.height: Theme.iconSmall
    }
    Text {
        anchors.verticalCenter: parent.verticalCenter
        text: badge.word
        color: badge.colour
        font.pixelSize: Theme.fontSmall
        Accessible.ignored: true
    }
}
