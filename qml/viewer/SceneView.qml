import QtQuick
import QtQuick.Window
import Tandem.Document 1.0

/// The segments in space. VTK is loaded when the first segment is there and the window has been seen.
Item {
    id: view

    required property Document document
    property bool maximised: false
    property bool windowSeen: false
    readonly property bool canDraw: GraphicsInfo.api === GraphicsInfo.OpenGL
    readonly property bool wanted: canDraw && windowSeen && document.open && document.hasMasks

    signal maximizeRequested()
    signal activated()

    function resetView() {
        if (loader.item)
            loader.item.resetView();
    }

    clip: true
    Accessible.role: Accessible.Graphic
    Accessible.name: qsTr("3-D view")
    onWantedChanged: if (wanted) loader.active = true

    Rectangle {
        anchors.fill: parent
        color: Theme.background
    }

    Connections {
        target: view.windowSeen ? null : view.Window.window
        function onFrameSwapped() { view.windowSeen = true; }
    }

    Loader {
        id: loader
        anchors.fill: parent
        active: false
        visible: view.document.open && view.document.hasMasks
        sourceComponent: SceneItem {
            objectName: "scene"
            document: view.document
            background: Theme.background
            onMaximizeRequested: view.maximizeRequested()
            onActivated: view.activated()
        }
    }

    Text {
        anchors.centerIn: parent
        width: Math.min(parent.width - 4 * Theme.spacing, Theme.textWidth)
        visible: view.document.open && (!view.canDraw || !view.document.hasMasks)
        text: view.canDraw ? qsTr("Segments appear here in space.")
                           : qsTr("The 3-D view needs OpenGL, which this display does not offer. Everything else works without it.")
        color: Theme.textDim
        font.pixelSize: Theme.fontNormal
        horizontalAlignment: Text.AlignHCenter
        wrapMode: Text.Wrap
    }

    ImageText {
        x: Theme.spacing
        y: Theme.spacing
        visible: view.document.open
        text: loader.item && loader.item.busy ? qsTr("3-D  building surfaces") : qsTr("3-D")
        font.weight: Font.DemiBold
    }

    HoverHandler { id: hover }
    StripButton {
        anchors { right: parent.right; top: parent.top; margins: Theme.spacingSmall }
        visible: view.document.open
        symbol: "enlarge"
        hint: view.maximised ? qsTr("Show all views") : qsTr("Enlarge this view")
        opacity: hovered || hover.hovered || view.maximised ? 1 : 0
        onClicked: view.maximizeRequested()
    }
}
