import QtQuick
import QtQuick.Controls.Basic

/// The window.
ApplicationWindow {
    id: window

    width: 1280
    height: 800
    visible: true
    title: qsTr("Tandem")
    color: Theme.background
}
