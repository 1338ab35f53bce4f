import QtQuick
import QtQuick.Controls.impl
import Tandem.Ui

/// One of the program's icons, in a colour.
IconImage {
    property string iconName: ""
    property color colour: Theme.text

    source: iconName === "" ? "" : Theme.icon(iconName)
    color: colour
    sourceSize.width: Theme.iconSize
    sourceSize.height: Theme.iconSize
    Accessible.ignored: true
}
