import QtQuick
import Tandem.Document 1.0

/// The four views of a case, two by two, or one of them alone; a picture opens alone. Has the keyboard while a case is
/// worked on.
FocusScope {
    id: grid

    required property Document document
    /// Which view is alone: a plane's number, 3 for the surfaces, -1 for none.
    property int maximised: -1
    /// The kind of case that the views were arranged for: a picture's plane, or -1.
    property int arrangedFor: -1
    readonly property int gap: 2 * Theme.lineWidth
    readonly property real leftWidth: Math.floor((width - gap) / 2)
    readonly property real topHeight: Math.floor((height - gap) / 2)

    /// Keys act only while this holds; a window with a dialog in front sets it to false.
    property bool keysEnabled: true

    function toggleMaximised(view) { maximised = maximised === view ? -1 : view; }
    // Between cases of one kind the views stay as the person has them.
    function arrange() {
        if (!document.open || document.picturePlane === arrangedFor)
            return;
        arrangedFor = document.picturePlane;
        maximised = arrangedFor;
    }
    function activeView() { return [axial, coronal, sagittal][document.activePlane]; }

    focus: true
    Component.onCompleted: arrange()

    Connections {
        target: grid.document
        function onOpenChanged() { grid.arrange(); }
    }

    component Placed: QtObject {
        required property int view
        required property int column
        required property int row
        readonly property bool alone: grid.maximised === view
        readonly property bool shown: grid.maximised < 0 || alone
        readonly property real x: alone || column === 0 ? 0 : grid.leftWidth + grid.gap
        readonly property real y: alone || row === 0 ? 0 : grid.topHeight + grid.gap
        readonly property real width: alone ? grid.width : column === 0 ? grid.leftWidth : grid.width - x
        readonly property real height: alone ? grid.height : row === 0 ? grid.topHeight : grid.height - y
    }

    Rectangle {
        anchors.fill: parent
        color: Theme.border
    }

    component PlacedViewport: Viewport {
        required property Placed place
        document: grid.document
        plane: place.view
        visible: place.shown
        maximised: place.alone
        x: place.x
        y: place.y
        width: place.width
        height: place.height
        onActivated: grid.forceActiveFocus()
        onMaximizeRequested: grid.toggleMaximised(plane)
    }
    PlacedViewport {
        id: axial
        planeName: qsTr("Axial")
        place: Placed { view: 0; column: 0; row: 0 }
    }
    PlacedViewport {
        id: coronal
        planeName: qsTr("Coronal")
        place: Placed { view: 1; column: 1; row: 0 }
    }
    PlacedViewport {
        id: sagittal
        planeName: qsTr("Sagittal")
        place: Placed { view: 2; column: 1; row: 1 }
    }

    SceneView {
        id: scene
        property Placed place: Placed { view: 3; column: 0; row: 1 }
        document: grid.document
        visible: place.shown
        maximised: place.alone
        x: place.x
        y: place.y
        width: place.width
        height: place.height
        onActivated: grid.forceActiveFocus()
        onMaximizeRequested: grid.toggleMaximised(3)
    }

    ViewerKeys {
        document: grid.document
        active: grid.keysEnabled && grid.document.open
        onMaximiseActive: grid.toggleMaximised(grid.document.activePlane)
        onResetViews: [axial, coronal, sagittal, scene].forEach(view => view.resetView())
        onZoom: factor => grid.activeView().zoomBy(factor)
    }

    // Held, not pressed: a Shortcut has no release.
    Keys.onPressed: event => {
        if (event.key === Qt.Key_Space && document.open) {
            document.masksHidden = true;
            event.accepted = true;
        }
    }
    Keys.onReleased: event => {
        if (event.key === Qt.Key_Space && !event.isAutoRepeat) {
            document.masksHidden = false;
            event.accepted = true;
        }
    }
    onActiveFocusChanged: if (!activeFocus) document.masksHidden = false
}
