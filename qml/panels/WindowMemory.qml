import QtQuick
import QtQuick.Window
import Tandem.Shell

/// Puts the window where it was, if that is still on a screen, and remembers where it is.
QtObject {
    id: memory

    required property Window window
    required property Preferences preferences

    function restore(): void {
        const was = preferences.windowGeometry();
        const fits = was.width >= window.minimumWidth && was.height >= window.minimumHeight;
        if (fits && isOnScreen(was)) {
            window.x = was.x;
            window.y = was.y;
            window.width = was.width;
            window.height = was.height;
        }
        if (preferences.windowMaximised())
            window.showMaximized();
    }
    /// Whether the left half of a place is on one of the screens.
    function isOnScreen(place: rect): bool {
        const screens = Qt.application.screens;
        for (let i = 0; i < screens.length; ++i) {
            const screen = screens[i];
            const across = place.x >= screen.virtualX && place.x + place.width / 2 < screen.virtualX + screen.width;
            if (across && place.y >= screen.virtualY && place.y < screen.virtualY + screen.height)
                return true;
        }
        return false;
    }
    function remember(): void {
        preferences.rememberWindow(Qt.rect(window.x, window.y, window.width, window.height), window.visibility === Window.Maximized);
    }
}
