import QtQuick

/// Text on top of an image: readable on black and on white.
Text {
    color: Theme.text
    style: Text.Outline
    styleColor: "#c0000000"
    font.pixelSize: Theme.fontSmall
    textFormat: Text.PlainText
}
