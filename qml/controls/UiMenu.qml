import QtQuick
import QtQuick.Controls.Basic
import Tandem.Ui

/// A menu whose rows show their keys.
Menu {
    id: menu

    width: Theme.menuWidth
    padding: Theme.spacingSmall
    delegate: UiMenuItem {}

    background: Rectangle {
        implicitWidth: Theme.menuWidth
        color: Theme.surfaceRaised
        radius: Theme.radius
        border.width: Theme.lineWidth
        border.color: Theme.borderStrong
    }
}
