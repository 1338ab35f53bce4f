import QtQuick
import Tandem.Document 1.0

/// One slice view with everything on it.
Item {
    id: viewport

    required property Document document
    required property int plane
    required property string planeName
    property bool maximised: false
    readonly property bool active: document.activePlane === plane

    signal maximizeRequested()
    signal activated()

    function resetView() { slice.resetView(); }
    function zoomBy(factor) { slice.zoomBy(factor); }

    clip: true
    Accessible.role: Accessible.Graphic
    Accessible.name: qsTr("%1 view").arg(planeName)

    SliceItem {
        id: slice
        objectName: "slice" + viewport.plane
        anchors.fill: parent
        document: viewport.document
        plane: viewport.plane
        background: Theme.background
        onActivated: viewport.activated()
        onMaximizeRequested: viewport.maximizeRequested()
    }

    Item {
        anchors.fill: parent
        visible: viewport.document.open

        CrosshairLines {
            slice: slice
            // A picture has no other view that it could link to.
            visible: viewport.document.picturePlane < 0 || viewport.document.tool === Document.Navigate
        }
        PromptMarks { document: viewport.document; slice: slice }
        ViewLabels {
            document: viewport.document
            slice: slice
            planeName: viewport.planeName
        }
        ReadyStrip {
            anchors { right: parent.right; top: parent.top; bottom: parent.bottom; margins: Theme.lineWidth }
            document: viewport.document
            plane: viewport.plane
            sliceIndex: slice.sliceIndex
        }
        StripButton {
            anchors { right: parent.right; top: parent.top; margins: Theme.spacingSmall }
            symbol: "enlarge"
            hint: viewport.maximised ? qsTr("Show all views (M)") : qsTr("Enlarge this view (M)")
            opacity: hovered || slice.hovered || viewport.maximised ? 1 : 0
            onClicked: viewport.maximizeRequested()
        }
    }

    Rectangle {
        anchors.fill: parent
        color: "transparent"
        border.color: viewport.active && viewport.document.open ? Theme.borderStrong : "transparent"
        border.width: Theme.lineWidth
    }
}
