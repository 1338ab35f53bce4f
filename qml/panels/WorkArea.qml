import QtQuick
import QtQuick.Layouts
import Tandem.Document
import Tandem.Shell
import Tandem.Ui

/// Where a case is worked on: tools above, views in the middle, the network's answer below, labels on the right.
RowLayout {
    id: area

    required property Document document
    required property PropagationList propagation
    property bool labelsShown: true
    property alias keysEnabled: grid.keysEnabled

    spacing: 0

    ColumnLayout {
        spacing: 0
        Layout.fillWidth: true
        Layout.fillHeight: true

        ToolStrip {
            document: area.document
            canPropagate: true
            propagating: area.propagation.running
            onPropagateWanted: area.propagation.start()
            Layout.fillWidth: true
        }
        ViewerGrid {
            id: grid

            document: area.document
            Layout.fillWidth: true
            Layout.fillHeight: true
        }
        ProposalBar {
            document: area.document
            Layout.fillWidth: true
        }
    }
    Rectangle {
        color: Theme.border
        visible: area.labelsShown
        Layout.preferredWidth: Theme.lineWidth
        Layout.fillHeight: true
    }
    ColumnLayout {
        spacing: 0
        visible: area.labelsShown
        Layout.fillHeight: true

        LabelPanel {
            document: area.document
            Layout.fillHeight: true
            Layout.preferredWidth: Theme.panelWidth
        }
        PropagationPanel {
            propagation: area.propagation
            Layout.preferredWidth: Theme.panelWidth
        }
    }
}
