#pragma once

#include <QtCore/QByteArray>
#include <QtCore/QElapsedTimer>
#include <QtCore/QFile>
#include <QtCore/QJsonObject>
#include <QtCore/QObject>
#include <QtCore/QTimer>

class QQuickItem;
class QQuickWindow;

namespace tandem {

class Session;

/// For automated tests of the real window (--state-file FILE): appends a line of JSON to a file whenever what
/// a person sees has changed. Each line is whole and flushed:
///   {"ms": since the program's start,
///    "window": [x, y, width, height] in logical screen coordinates, "scale": device pixels per logical
///    pixel, "items": {objectName: [x, y, width, height] in the window, visible items only}, "disabled":
///    [objectName...] of those that take no input, "session": {property: value}, "document": {property:
///    value}   all plain properties of both, "views": {objectName: {property: value}} of the slice views,
///    "notice": text of the banner or "", "jobs": number of listed jobs, "model": state name, "modelName",
///    "models": what the Models page lists, "longestGapMs": longest time since the first frame in which the
///    event loop did not turn, "gapsOver16": n, "gapsOver50": n}
/// Thread: GUI.
class Automation : public QObject {
    Q_OBJECT

public:
    /// An unwritable file ends in a sentence on standard error and no lines.
    Automation(QQuickWindow&, Session&, const QString& file, QObject* parent = nullptr);

private:
    void beat();
    void look();
    QJsonObject describe() const;

    QQuickWindow& window_;
    Session& session_;
    QFile file_;
    QTimer beatTimer_, lookTimer_;
    QElapsedTimer sinceBeat_;
    QByteArray lastSeen_;
    double longestGapMs_ = 0;
    int gapsOver16_ = 0, gapsOver50_ = 0;
};

} // namespace tandem
