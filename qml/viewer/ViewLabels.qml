import QtQuick
import Tandem.Document 1.0

/// What is written on a slice: where it is, which way it lies, how large things are, what lies under the mouse.
Item {
    id: labels

    required property Document document
    required property SliceItem slice
    required property string planeName
    readonly property int margin: Theme.spacing

    anchors.fill: parent

    Column {
        x: labels.margin
        y: labels.margin
        ImageText {
            text: labels.slice.sliceCount > 1 ? qsTr("%1  %2 / %3").arg(labels.planeName).arg(labels.slice.sliceIndex)
                                                                    .arg(labels.slice.sliceCount - 1)
                                              : labels.planeName
            font.weight: Font.DemiBold
        }
        ImageText {
            text: labels.slice.positionText
            color: Theme.textDim
        }
    }

    ImageText {
        anchors { left: parent.left; leftMargin: labels.margin; verticalCenter: parent.verticalCenter }
        text: labels.slice.edgeLeft
        font.pixelSize: Theme.fontLarge
    }
    ImageText {
        anchors { right: parent.right; rightMargin: labels.margin; verticalCenter: parent.verticalCenter }
        text: labels.slice.edgeRight
        font.pixelSize: Theme.fontLarge
    }
    ImageText {
        anchors { top: parent.top; topMargin: labels.margin; horizontalCenter: parent.horizontalCenter }
        text: labels.slice.edgeTop
        font.pixelSize: Theme.fontLarge
    }
    ImageText {
        anchors { bottom: parent.bottom; bottomMargin: labels.margin; horizontalCenter: parent.horizontalCenter }
        text: labels.slice.edgeBottom
        font.pixelSize: Theme.fontLarge
    }

    ImageText {
        anchors { left: parent.left; bottom: parent.bottom; margins: labels.margin }
        text: labels.slice.hoverText
        width: parent.width / 2 - 3 * labels.margin
        elide: Text.ElideRight
    }

    Column {
        anchors { right: parent.right; bottom: parent.bottom; margins: labels.margin }
        spacing: Theme.spacingSmall

        ScaleBar {
            anchors.right: parent.right
            lengthMm: labels.slice.scaleBarMm
            pixelsPerMm: labels.slice.pixelsPerMm
        }
        ImageText {
            anchors.right: parent.right
            text: qsTr("W %1  L %2").arg(Number(labels.document.windowWidth.toPrecision(4)))
                                    .arg(Number(labels.document.windowLevel.toPrecision(4)))
            color: Theme.textDim
        }
    }
}
