import QtQuick
import Tandem.Document 1.0

/// The keys of the viewer, alive while `active`. Undo and redo are actions of the window's menu.
Item {
    id: keys

    required property Document document
    required property bool active

    signal maximiseActive()
    signal resetViews()
    signal zoom(real factor)

    component Key: Shortcut {
        enabled: keys.active
        context: Qt.WindowShortcut
    }
    component ToolKey: Key {
        required property int tool
        onActivated: keys.document.tool = tool
    }

    ToolKey { sequence: "X"; tool: Document.Navigate }
    ToolKey { sequence: "V"; tool: Document.Box }
    ToolKey { sequence: "P"; tool: Document.Points }
    ToolKey { sequence: "B"; tool: Document.Brush }
    ToolKey { sequence: "E"; tool: Document.Eraser }
    ToolKey { sequence: "L"; tool: Document.Lasso }
    ToolKey { sequence: "G"; tool: Document.Grow }
    Key { sequence: "["; autoRepeat: true; onActivated: keys.document.stepToolSize(-1) }
    Key { sequence: "]"; autoRepeat: true; onActivated: keys.document.stepToolSize(1) }
    Key { sequence: ","; autoRepeat: true; onActivated: keys.document.stepSlice(keys.document.activePlane, -1) }
    Key { sequence: "."; autoRepeat: true; onActivated: keys.document.stepSlice(keys.document.activePlane, 1) }
    Key { sequences: ["Return", "Enter"]; onActivated: keys.document.acceptProposal() }
    Key {
        sequence: "Tab"
        enabled: keys.active && keys.document.candidates > 1
        onActivated: keys.document.nextCandidate()
    }
    Key { sequence: "Esc"; onActivated: keys.document.cancel() }
    Key { sequence: "Backspace"; onActivated: keys.document.removeLastPoint() }
    Key { sequence: "I"; onActivated: keys.document.windowInverted = !keys.document.windowInverted }
    Key { sequence: "M"; onActivated: keys.maximiseActive() }
    Key { sequence: "R"; onActivated: keys.resetViews() }
    Key { sequences: ["+", "="]; autoRepeat: true; onActivated: keys.zoom(1.25) }
    Key { sequence: "-"; autoRepeat: true; onActivated: keys.zoom(0.8) }

    Instantiator {
        model: 9
        delegate: Key {
            required property int index
            sequence: String(index + 1)
            onActivated: keys.document.selectLabel(index + 1)
        }
    }
}
