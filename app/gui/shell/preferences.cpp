#include "app/gui/shell/preferences.h"

#include <QtCore/QCryptographicHash>
#include <QtCore/QFileInfo>
#include <pwd.h>
#include <unistd.h>

namespace tandem {

namespace {

constexpr qsizetype recentKept = 10;
const QString personKey = QStringLiteral("person/name");
const QString recentKey = QStringLiteral("projects/recent");
const QString openKey = QStringLiteral("projects/open");
const QString habitKey = QStringLiteral("person/drawingHabit");
const QString geometryKey = QStringLiteral("window/geometry");
const QString maximisedKey = QStringLiteral("window/maximised");

QString loginName() {
    const passwd* entry = getpwuid(getuid());
    const QString name = entry ? QString::fromLocal8Bit(entry->pw_name) : qEnvironmentVariable("USER");
    return name.isEmpty() ? QStringLiteral("me") : name;
}

/// Paths hold slashes, which are groups in settings; a project's key is a hash of its path.
QString caseKey(const QString& project) {
    const QByteArray hash = QCryptographicHash::hash(project.toUtf8(), QCryptographicHash::Sha1).toHex();
    return QStringLiteral("projects/lastCase/") + QString::fromLatin1(hash);
}

} // namespace

Preferences::Preferences(QObject* parent) : QObject(parent) {}

QString Preferences::personName() const {
    return settings_.value(personKey, loginName()).toString();
}

void Preferences::setPersonName(const QString& name) {
    const QString trimmed = name.simplified();
    if (trimmed.isEmpty() || (personKnown() && trimmed == personName()))
        return;
    settings_.setValue(personKey, trimmed);
    Q_EMIT personNameChanged();
}

bool Preferences::personKnown() const {
    return settings_.contains(personKey);
}

QStringList Preferences::recentProjects() const {
    QStringList paths = settings_.value(recentKey).toStringList();
    paths.removeIf([](const QString& path) { return !QFileInfo::exists(path); });
    return paths;
}

void Preferences::noteProject(const QString& path) {
    QStringList paths = settings_.value(recentKey).toStringList();
    paths.removeAll(path);
    paths.prepend(path);
    if (paths.size() > recentKept)
        paths.resize(recentKept);
    settings_.setValue(recentKey, paths);
    Q_EMIT recentProjectsChanged();
}

std::int64_t Preferences::lastCase(const QString& project) const {
    return settings_.value(caseKey(project), 0).toLongLong();
}

void Preferences::noteCase(const QString& project, std::int64_t caseId) {
    settings_.setValue(caseKey(project), static_cast<qlonglong>(caseId));
}

QString Preferences::openProject() const {
    return settings_.value(openKey).toString();
}

void Preferences::setOpenProject(const QString& path) {
    settings_.setValue(openKey, path);
}

DrawingHabit Preferences::drawingHabit() const {
    return habitFromJson(settings_.value(habitKey).toString().toStdString());
}

void Preferences::setDrawingHabit(const DrawingHabit& habit) {
    settings_.setValue(habitKey, QString::fromStdString(habitAsJson(habit)));
}

QRect Preferences::windowGeometry() const {
    return settings_.value(geometryKey).toRect();
}

bool Preferences::windowMaximised() const {
    return settings_.value(maximisedKey, false).toBool();
}

void Preferences::rememberWindow(const QRect& geometry, bool maximised) {
    // A maximised window keeps the size that it goes back to.
    if (!maximised)
        settings_.setValue(geometryKey, geometry);
    settings_.setValue(maximisedKey, maximised);
}

} // namespace tandem
