import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Document 1.0

/// The labels: choose, name, show, lock, add, remove; and how strongly masks cover the image.
Rectangle {
    id: panel

    required property Document document

    implicitWidth: Theme.panelWidth
    implicitHeight: 300
    color: Theme.surface

    ColumnLayout {
        anchors.fill: parent
        spacing: 0

        RowLayout {
            Layout.fillWidth: true
            Layout.margins: Theme.spacing
            Layout.bottomMargin: Theme.spacingSmall

            Text {
                Layout.fillWidth: true
                text: qsTr("Labels")
                color: Theme.textDim
                font.pixelSize: Theme.fontNormal
                font.weight: Font.DemiBold
            }
            StripButton {
                objectName: "addLabel"
                symbol: "add"
                hint: qsTr("Add a label")
                enabled: panel.document.open
                onClicked: panel.document.addLabel("")
            }
        }

        ListView {
            id: list
            Layout.fillWidth: true
            Layout.fillHeight: true
            clip: true
            model: panel.document.labels
            boundsBehavior: Flickable.StopAtBounds
            ScrollBar.vertical: ScrollBar {}
            delegate: LabelRow {
                width: list.width
                document: panel.document
            }

            Text {
                anchors { left: parent.left; right: parent.right; top: parent.top; margins: Theme.spacing }
                visible: panel.document.open && list.count === 0
                text: qsTr("No labels yet. The first box or stroke makes one.")
                color: Theme.textDim
                font.pixelSize: Theme.fontNormal
                wrapMode: Text.Wrap
            }
        }

        RowLayout {
            Layout.fillWidth: true
            Layout.margins: Theme.spacing
            visible: panel.document.open

            Text {
                text: qsTr("Opacity")
                color: Theme.textDim
                font.pixelSize: Theme.fontSmall
            }
            OpacitySlider {
                Layout.fillWidth: true
                document: panel.document
            }
        }
    }
}
