#pragma once

#include "core/usecases/drawing_habit.h"

#include <QtCore/QObject>
#include <QtCore/QRect>
#include <QtCore/QSettings>
#include <QtCore/QStringList>
#include <QtQml/qqmlregistration.h>

#include <cstdint>

namespace tandem {

/// What the program remembers of a person between starts, outside any project. Thread: GUI.
class Preferences : public QObject {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    /// Who is working: written into assignments and verdicts. The login name until it is changed.
    Q_PROPERTY(QString personName READ personName WRITE setPersonName NOTIFY personNameChanged FINAL)
    /// Whether the person has confirmed the name; asked once, before the first hand-over.
    Q_PROPERTY(bool personKnown READ personKnown NOTIFY personNameChanged FINAL)
    /// Projects opened before, newest first; only those that still exist.
    Q_PROPERTY(QStringList recentProjects READ recentProjects NOTIFY recentProjectsChanged FINAL)

public:
    explicit Preferences(QObject* parent = nullptr);

    QString personName() const;
    void setPersonName(const QString&);
    bool personKnown() const;

    QStringList recentProjects() const;
    void noteProject(const QString& path);
    /// The case that was last open in a project; 0 if none.
    std::int64_t lastCase(const QString& project) const;
    void noteCase(const QString& project, std::int64_t caseId);
    /// The project that was open when the program ended; empty if none was.
    QString openProject() const;
    void setOpenProject(const QString& path);

    /// How the person draws boxes.
    DrawingHabit drawingHabit() const;
    void setDrawingHabit(const DrawingHabit&);

    /// Where the window was; an empty rectangle at the first start.
    Q_INVOKABLE QRect windowGeometry() const;
    Q_INVOKABLE bool windowMaximised() const;
    Q_INVOKABLE void rememberWindow(const QRect&, bool maximised);

Q_SIGNALS:
    void personNameChanged();
    void recentProjectsChanged();

private:
    QSettings settings_;
};

} // namespace tandem
