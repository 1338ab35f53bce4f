import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Document 1.0

/// Tools, their settings, the grey window, undo and redo: one row above the views.
Rectangle {
    id: strip

    required property Document document
    /// Whether the window can propagate a mask, and whether it is at it.
    property bool canPropagate: false
    property bool propagating: false
    signal propagateWanted
    readonly property bool painting: document.tool === Document.Brush || document.tool === Document.Eraser

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

        Divider { visible: strip.canPropagate }
        StripButton {
            objectName: "propagateButton"
            visible: strip.canPropagate
            symbol: "propagate"
            enabled: !strip.propagating && !strip.document.readOnly
            hint: qsTr("Propagate the active label from this slice through the volume (Shift+P)")
            onClicked: strip.propagateWanted()
        }

        Divider { visible: strip.painting }
        BrushSize {
            document: strip.document
            visible: strip.painting
        }

        Item { Layout.fillWidth: true }

        WindowMenu { document: strip.document }
        Divider {}
        StripButton {
            symbol: "undo"
            enabled: strip.document.canUndo && !strip.document.readOnly
            hint: strip.document.undoTitle ? qsTr("Undo: %1 (Ctrl+Z)").arg(strip.document.undoTitle)
                                           : qsTr("Undo (Ctrl+Z)")
            onClicked: strip.document.undo()
        }
        StripButton {
            symbol: "redo"
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
