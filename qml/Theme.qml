pragma Singleton
import QtQuick

/// Colours, fonts, distances and times of the whole window. Neutral greys that do not tint an image, one accent.
QtObject {
    // Surfaces, from the image's surround outward.
    readonly property color background: "#0f1011"
    readonly property color surface: "#1a1b1d"
    readonly property color surfaceRaised: "#26282b"
    readonly property color surfaceHover: "#303337"
    readonly property color surfacePressed: "#3b3f44"
    readonly property color border: "#3a3d42"
    readonly property color borderStrong: "#5a5f66"
    readonly property color scrim: "#b0000000"

    // Text. Both are readable (7:1 and more) on every surface.
    readonly property color text: "#e8e9ea"
    readonly property color textDim: "#adb1b7"
    readonly property color textDisabled: "#75797f"

    // Meaning. Never shown without a word or a shape beside the colour.
    readonly property color accent: "#5aa5e0"
    readonly property color accentDim: "#234b6b"
    readonly property color inkOnAccent: "#0b1620"
    readonly property color danger: "#ef7a72"
    readonly property color dangerDim: "#4a2422"
    readonly property color ok: "#6cc28a"
    readonly property color warning: "#e0b152"

    // Distances, in logical pixels.
    readonly property int spacing: 8
    readonly property int spacingTiny: 2
    readonly property int spacingSmall: 4
    readonly property int spacingLarge: 16
    readonly property int radius: 4
    readonly property int lineWidth: 1
    readonly property int focusWidth: 2

    // Fonts, in logical pixels.
    readonly property int fontSmall: 12
    readonly property int fontNormal: 13
    readonly property int fontLarge: 16
    readonly property int fontTitle: 22
    readonly property string fontMono: "DejaVu Sans Mono"

    // Controls.
    readonly property int controlHeight: 30
    readonly property int controlWidth: 160
    readonly property int rowHeight: 44
    readonly property int barHeight: 26
    readonly property int iconSize: 18
    readonly property int iconSmall: 14
    readonly property int menuWidth: 300
    readonly property int panelWidth: 256
    readonly property int dialogWidth: 560
    readonly property int pageWidth: 780
    readonly property int pageHeight: 500
    readonly property int textWidth: 440
    readonly property int wideButton: 240
    readonly property int jobsWidth: 320
    readonly property int findingsHeight: 240
    readonly property int windowWidth: 1360
    readonly property int windowHeight: 860
    readonly property int leastWindowWidth: 900
    readonly property int leastWindowHeight: 600

    // Times, in milliseconds.
    readonly property int durationShort: 90
    readonly property int durationNormal: 160
    readonly property int durationWander: 900
    readonly property int tooltipDelay: 500

    /// Address of one of the icons in resources/icons.
    function icon(name: string): url {
        return "qrc:/qt/qml/Tandem/Ui/icons/" + name + ".svg";
    }
}
