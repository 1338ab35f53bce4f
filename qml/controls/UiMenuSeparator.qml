import QtQuick
import QtQuick.Controls.Basic
import Tandem.Ui

/// A line between groups of a menu.
MenuSeparator {
    topPadding: Theme.spacingSmall
    bottomPadding: Theme.spacingSmall
    contentItem: Rectangle {
        implicitHeight: Theme.lineWidth
        color: Theme.border
    }
}
