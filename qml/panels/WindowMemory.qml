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
    function isOnScreen(place: rect): bool {
        return Qt.application.screens.some(screen => place.x >= screen.virtualX && place.y >= screen.virtualY && place.x + place.width / 2 < screen.virtualX + screen.width && place.y + place.height / 2 < screen.virtualY + screen.height);
    }
    function remember(): void {
        preferences.rememberWindow(Qt.rect(window.x, window.y, window.width, window.height), window.visibility === Window.Maximized);
    }
}
