import QtQuick
import Tandem.Ui

/// Takes files that are dragged into the window, and shows that it does.
DropArea {
    id: zone

    property string text: qsTr("Drop to open")
    signal filesDropped(var urls)

    keys: ["text/uri-list"]
    onEntered: drag => drag.accepted = drag.hasUrls
    onDropped: drop => {
        if (!drop.hasUrls)
            return;
        drop.acceptProposedAction();
        zone.filesDropped(drop.urls);
    }

    Rectangle {
        anchors.fill: parent
        visible: zone.containsDrag
        color: Theme.scrim
        border.width: Theme.focusWidth
        border.color: Theme.accent

        UiText {
            anchors.centerIn: parent
            text: zone.text
            font.pixelSize: Theme.fontTitle
        }
    }
}
