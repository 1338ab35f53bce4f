import QtQuick
import QtQuick.Controls.Basic
import Tandem.Ui

/// A row of a menu: tick, text, key, arrow.
MenuItem {
    id: item

    readonly property color ink: enabled ? Theme.text : Theme.textDisabled

    implicitHeight: Theme.controlHeight
    leftPadding: Theme.spacing
    rightPadding: Theme.spacing
    font.pixelSize: Theme.fontNormal
    Accessible.name: text

    indicator: UiIcon {
        x: item.leftPadding
        y: (item.height - height) / 2
        iconName: "check"
        colour: item.ink
        visible: item.checkable && item.checked
    }
    arrow: UiIcon {
        x: item.width - width - item.rightPadding
        y: (item.height - height) / 2
        iconName: "next"
        colour: item.ink
        visible: item.subMenu !== null
    }
    contentItem: Item {
        implicitHeight: label.implicitHeight

        Text {
            id: label

            anchors.verticalCenter: parent.verticalCenter
            x: Theme.iconSize + Theme.spacingSmall
            width: parent.width - x - key.width - Theme.spacing
            text: item.text
            font: item.font
            color: item.ink
            elide: Text.ElideRight
        }
        Text {
            id: key

            anchors.verticalCenter: parent.verticalCenter
            anchors.right: parent.right
            text: item.action && item.action.shortcut ? String(item.action.shortcut) : ""
            font.pixelSize: Theme.fontSmall
            color: item.enabled ? Theme.textDim : Theme.textDisabled
        }
    }
    background: Rectangle {
        radius: Theme.radius
        color: item.highlighted ? Theme.surfacePressed : "transparent"
    }
}
