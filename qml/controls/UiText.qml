import QtQuick
import Tandem.Ui

/// Text in the window's font: normal unless said otherwise; wraps at word ends.
Text {
    property bool dim: false

    color: dim ? Theme.textDim : Theme.text
    font.pixelSize: Theme.fontNormal
    wrapMode: Text.Wrap
    textFormat: Text.PlainText
    Accessible.role: Accessible.StaticText
    Accessible.name: text
}
