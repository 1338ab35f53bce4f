import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Document 1.0

/// One row below the views: what the tool does next, how far the network is, or its proposal with the two answers to it.
/// Always as high, so that nothing jumps.
Rectangle {
    id: bar

    required property Document document
    readonly property bool waiting: document.proposalState === Document.Waiting
    readonly property bool ready: document.proposalState === Document.Ready
    /// A quick model's proposal is shown and the chosen model's is on its way.
    readonly property bool sketching: ready && document.proposalIsSketch && document.proposalWorking

    readonly property string habit: {
        switch (document.boxesDrawn) {
        case Document.BoxesTight: return " " + qsTr("Yours are read as drawn tightly.");
        case Document.BoxesLoose: return " " + qsTr("Yours are read as drawn with some slack.");
        }
        return "";
    }
    readonly property string hint: {
        if (!document.open)
            return "";
        if (document.readOnly)
            return qsTr("This case is read-only: it is submitted or approved.");
        switch (document.tool) {
        case Document.Navigate: return qsTr("Click or drag to move the crosshair. Wheel: slices. Right drag: grey window.");
        case Document.Box: return qsTr("Drag a box around a structure; the network proposes its outline.") + habit;
        case Document.Points: return qsTr("Click on the structure or drag a line along it; with Shift: what does not belong to it.");
        case Document.Brush: return qsTr("Paint the active label. [ and ] change the size.");
        case Document.Eraser: return qsTr("Erase the active label; with Ctrl, every unlocked label.");
        case Document.Lasso: return qsTr("Draw round what belongs to the active label; with Shift: round what does not.");
        case Document.Grow: return qsTr("Click inside a structure; keep the button and drag right for more of it, left for less. Shift takes away.");
        }
        return "";
    }

    implicitHeight: Theme.controlHeight + 2 * Theme.spacingSmall
    color: ready ? Theme.surfaceRaised : Theme.surface

    RowLayout {
        anchors { fill: parent; leftMargin: Theme.spacing; rightMargin: Theme.spacing }
        spacing: Theme.spacing

        Text {
            visible: !bar.waiting && !bar.ready
            Layout.fillWidth: true
            text: bar.hint
            color: Theme.textDim
            font.pixelSize: Theme.fontNormal
            elide: Text.ElideRight
        }

        BusyIndicator {
            visible: bar.waiting || bar.sketching
            running: visible
            implicitWidth: Theme.iconSize
            implicitHeight: Theme.iconSize
            padding: 0
            palette.dark: Theme.accent
        }
        Text {
            visible: bar.waiting
            text: bar.document.progressText ? bar.document.progressText : qsTr("The network is at work")
            color: Theme.text
            font.pixelSize: Theme.fontNormal
            elide: Text.ElideRight
            Layout.maximumWidth: bar.width / 2
        }
        Rectangle {
            visible: (bar.waiting || bar.sketching) && bar.document.progress > 0
            implicitWidth: Theme.controlWidth
            implicitHeight: Theme.spacingSmall
            radius: height / 2
            color: Theme.border
            Rectangle {
                width: parent.width * bar.document.progress
                height: parent.height
                radius: parent.radius
                color: Theme.accent
            }
        }

        Rectangle {
            visible: bar.ready
            implicitWidth: Theme.spacing
            implicitHeight: Theme.spacing
            radius: Theme.radius / 2
            color: bar.document.activeLabelColour
        }
        Text {
            visible: bar.ready
            text: (bar.document.proposalIsSketch ? qsTr("Sketch for %1") : qsTr("Proposal for %1")).arg(bar.document.activeLabelName)
            color: Theme.text
            font.pixelSize: Theme.fontNormal
            elide: Text.ElideRight
            Layout.maximumWidth: bar.width / 3
        }
        Text {
            objectName: "sketchNote"
            visible: bar.ready && bar.document.proposalIsSketch
            text: bar.sketching ? qsTr("by %1; %2 is working").arg(bar.document.sketchName).arg(bar.document.modelName)
                                : qsTr("by %1").arg(bar.document.sketchName)
            color: Theme.warning
            font.pixelSize: Theme.fontNormal
            elide: Text.ElideRight
            Layout.maximumWidth: bar.width / 3
        }
        Text {
            objectName: "candidateNote"
            visible: bar.ready && text !== ""
            text: {
                switch (bar.document.candidateKind) {
                case Document.OtherSize: return qsTr("another size");
                case Document.OtherBox: return qsTr("the box read the other way");
                case Document.LookAlikes: return qsTr("all that looks like your clicks");
                case Document.Parts: return qsTr("all parts in the box");
                case Document.OneObject: return qsTr("the box as one object");
                }
                return "";
            }
            color: Theme.text
            font.pixelSize: Theme.fontNormal
            elide: Text.ElideRight
            Layout.maximumWidth: bar.width / 3
        }
        Text {
            objectName: "proposalFigures"
            visible: bar.ready
            text: qsTr("predicted IoU %1   %2 ms").arg(bar.document.proposalIou.toFixed(2))
                                                  .arg(Math.round(bar.document.proposalMs))
            color: Theme.textDim
            font.pixelSize: Theme.fontNormal
        }

        Item {
            Layout.fillWidth: true
            visible: bar.waiting || bar.ready
        }
        StripButton {
            objectName: "nextCandidate"
            visible: bar.ready && !bar.sketching && bar.document.candidates > 1
            symbol: "next"
            text: qsTr("Mask %1 of %2  Tab").arg(bar.document.candidate + 1).arg(bar.document.candidates)
            hint: qsTr("Show the next of the masks that may be meant (Tab)")
            onClicked: bar.document.nextCandidate()
        }
        StripButton {
            objectName: "acceptProposal"
            visible: bar.ready
            symbol: "check"
            tint: Theme.ok
            text: qsTr("Accept  Enter")
            hint: qsTr("Write the proposal into the active label (Enter)")
            onClicked: bar.document.acceptProposal()
        }
        StripButton {
            objectName: "discardProposal"
            visible: bar.ready || bar.waiting
            symbol: "cross"
            text: bar.ready ? qsTr("Discard  Esc") : qsTr("Cancel  Esc")
            hint: qsTr("Let the prompts go (Esc)")
            onClicked: bar.document.discardProposal()
        }
    }

    Rectangle {
        anchors { left: parent.left; right: parent.right; top: parent.top }
        height: Theme.lineWidth
        color: Theme.border
    }
}
