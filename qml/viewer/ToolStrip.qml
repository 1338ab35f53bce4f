import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Document 1.0

/// Tools, their settings, the grey window, undo and redo: one row above the views.
Rectangle {
    id: strip

    objectName: "toolStrip"

    required property Document document
    /// Whether the window can propagate a mask, and whether it is at it.
    property bool canPropagate: false
    property bool propagating: false
    signal propagateWanted
    readonly property bool painting: document.tool === Document.Brush || document.tool === Document.Eraser
    readonly property bool growing: document.tool === Document.Grow
    /// Where there is little room words go first, then what the menu has, too.
    readonly property bool compact: width < 660
    readonly property bool least: width < 470

    implicitWidth: row.implicitWidth + 2 * Theme.spacing
    implicitHeight: Theme.controlHeight + 2 * Theme.spacingSmall
    color: Theme.surface
    enabled: document.open

    component ToolChoice: StripButton {
        required property int tool
        checked: strip.document.tool === tool
        onClicked: strip.document.tool = tool
    }
    component Divider: Rectangle {
        implicitWidth: Theme.lineWidth
        implicitHeight: Theme.iconSize
        color: Theme.border
    }

    RowLayout {
        id: row
        anchors { fill: parent; leftMargin: Theme.spacing; rightMargin: Theme.spacing }
        spacing: Theme.spacingSmall

        ToolChoice { tool: Document.Navigate; symbol: "navigate"; hint: qsTr("Navigate: move the crosshair (X)") }
        ToolChoice { tool: Document.Box; symbol: "box"; hint: qsTr("Box: the network segments what is in it (V)") }
        ToolChoice {
            tool: Document.Points
            symbol: "points"
            hint: qsTr("Points and scribbles: click or drag on the object, with Shift beside it (P)")
        }
        ToolChoice { tool: Document.Brush; symbol: "brush"; hint: qsTr("Brush (B)") }
        ToolChoice {
            tool: Document.Eraser
            symbol: "eraser"
            hint: qsTr("Eraser: the active label; with Ctrl every unlocked label (E)")
        }
        ToolChoice {
            tool: Document.Lasso
            symbol: "lasso"
            hint: qsTr("Lasso: draw round what belongs, with Shift round what does not (L)")
        }
        ToolChoice {
            tool: Document.Grow
            symbol: "grow"
            hint: qsTr("Grow: the region like the voxel under the mouse, with Shift to take it away (G)")
        }

        Divider { visible: strip.canPropagate }
        StripButton {
            objectName: "propagateButton"
            visible: strip.canPropagate
            symbol: "propagate"
            enabled: !strip.propagating && !strip.document.readOnly
            hint: qsTr("Propagate the active label from this slice through the volume (Shift+P)")
            onClicked: strip.propagateWanted()
        }

        Divider { visible: strip.painting || strip.growing }
        ToolAmount {
            visible: strip.painting
            compact: strip.compact
            title: qsTr("Radius")
            hint: qsTr("Brush radius ([ and ])")
            value: strip.document.brushRadiusMm
            from: strip.document.minBrushRadiusMm
            to: strip.document.maxBrushRadiusMm
            shown: qsTr("%1 mm").arg(strip.document.brushRadiusMm.toFixed(1))
            onMoved: value => strip.document.brushRadiusMm = value
        }
        ToolAmount {
            visible: strip.growing
            compact: strip.compact
            title: qsTr("Tolerance")
            hint: qsTr("How far a voxel may be from the one clicked on ([ and ], or drag)")
            value: strip.document.growTolerance
            from: strip.document.minGrowTolerance
            to: strip.document.maxGrowTolerance
            shown: qsTr("± %1 %2").arg(strip.document.growTolerance.toPrecision(3)).arg(strip.document.valueUnit)
            onMoved: value => strip.document.growTolerance = value
        }

        Item { Layout.fillWidth: true }

        WindowMenu { document: strip.document; compact: strip.compact }
        Divider { visible: !strip.least }
        StripButton {
            symbol: "undo"
            visible: !strip.least
            enabled: strip.document.canUndo && !strip.document.readOnly
            hint: strip.document.undoTitle ? qsTr("Undo: %1 (Ctrl+Z)").arg(strip.document.undoTitle)
                                           : qsTr("Undo (Ctrl+Z)")
            onClicked: strip.document.undo()
        }
        StripButton {
            symbol: "redo"
            visible: !strip.least
            enabled: strip.document.canRedo && !strip.document.readOnly
            hint: strip.document.redoTitle ? qsTr("Redo: %1 (Ctrl+Shift+Z)").arg(strip.document.redoTitle)
                                           : qsTr("Redo (Ctrl+Shift+Z)")
            onClicked: strip.document.redo()
        }
    }

    Rectangle {
        anchors { left: parent.left; right: parent.right; bottom: parent.bottom }
        height: Theme.lineWidth
        color: Theme.border
    }
}
