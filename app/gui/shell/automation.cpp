#include "app/gui/shell/automation.h"

#include "app/gui/document/slice_item.h"
#include "app/gui/shell/session.h"
#include "app/gui/shell/startup_clock.h"

#include <QtCore/QJsonArray>
#include <QtCore/QJsonDocument>
#include <QtCore/QMetaEnum>
#include <QtCore/QMetaProperty>
#include <QtQuick/QQuickItem>
#include <QtQuick/QQuickWindow>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace tandem {

namespace {

constexpr std::chrono::milliseconds beatEvery{4};
constexpr std::chrono::milliseconds lookEvery{60};

QJsonArray toJson(const QRectF& r) {
    return {r.x(), r.y(), r.width(), r.height()};
}

bool isPlain(const QMetaProperty& property) {
    switch (property.typeId()) {
    case QMetaType::Bool:
    case QMetaType::Int:
    case QMetaType::UInt:
    case QMetaType::LongLong:
    case QMetaType::Double:
    case QMetaType::Float:
    case QMetaType::QString:
    case QMetaType::QRectF:
    case QMetaType::QPointF:
        return true;
    default:
        return property.isEnumType();
    }
}

/// A rectangle as [x, y, width, height], a point as [x, y], anything else as JSON has it.
QJsonValue toJsonValue(const QVariant& value) {
    if (value.typeId() == QMetaType::QRectF)
        return toJson(value.toRectF());
    if (value.typeId() == QMetaType::QPointF)
        return QJsonArray{value.toPointF().x(), value.toPointF().y()};
    return value.toJsonValue();
}

/// Numbers, texts, rectangles, points and enumerations (by name) of an object.
QJsonObject plainProperties(const QObject& object) {
    QJsonObject values;
    const QMetaObject& meta = *object.metaObject();
    for (int i = 0; i < meta.propertyCount(); ++i) {
        const QMetaProperty property = meta.property(i);
        if (!isPlain(property))
            continue;
        const QVariant value = property.read(&object);
        const char* key = property.isEnumType() ? property.enumerator().valueToKey(value.toInt()) : nullptr;
        values.insert(QLatin1String(property.name()),
                      key ? QJsonValue(QLatin1String(key)) : toJsonValue(value));
    }
    return values;
}

struct SeenItems {
    QJsonObject places, views;
    QJsonArray disabled;
};

void collect(const QQuickItem& item, SeenItems& seen) {
    if (!item.isVisible() || item.opacity() == 0)
        return;
    if (!item.objectName().isEmpty() && item.width() > 0 && item.height() > 0) {
        seen.places.insert(item.objectName(),
                           toJson(item.mapRectToScene({0, 0, item.width(), item.height()})));
        if (!item.isEnabled())
            seen.disabled.append(item.objectName());
        if (const auto* view = qobject_cast<const SliceItem*>(&item))
            seen.views.insert(item.objectName(), plainProperties(*view));
    }
    for (const QQuickItem* child : item.childItems())
        collect(*child, seen);
}

QJsonArray describeModels(const ModelShelf& shelf) {
    QJsonArray models;
    for (int row = 0; row < shelf.count(); ++row) {
        const auto has = [&](ModelShelf::Role role) { return shelf.data(shelf.index(row), role); };
        models.append(QJsonObject{{"title", has(ModelShelf::TitleRole).toString()},
                                  {"file", has(ModelShelf::FileRole).toString()},
                                  {"problem", has(ModelShelf::ProblemRole).toString()},
                                  {"speed", has(ModelShelf::SpeedRole).toString()},
                                  {"inUse", has(ModelShelf::InUseRole).toBool()},
                                  {"isDefault", has(ModelShelf::DefaultRole).toBool()}});
    }
    return models;
}

} // namespace

Automation::Automation(QQuickWindow& window, Session& session, const QString& file, QObject* parent)
    : QObject(parent), window_(window), session_(session), file_(file) {
    if (!file_.open(QIODevice::WriteOnly | QIODevice::Append)) {
        std::fprintf(stderr, "tandem: the state file %s cannot be written.\n", qPrintable(file));
        return;
    }
    beatTimer_.setTimerType(Qt::PreciseTimer);
    connect(&beatTimer_, &QTimer::timeout, this, &Automation::beat);
    connect(&lookTimer_, &QTimer::timeout, this, &Automation::look);
    // Frames are shown by the render thread; the clock of the event loop starts on its own thread.
    connect(
        &window_, &QQuickWindow::frameSwapped, this,
        [this] {
            if (beatTimer_.isActive())
                return;
            sinceBeat_.start();
            beatTimer_.start(beatEvery);
            lookTimer_.start(lookEvery);
        },
        Qt::QueuedConnection);
}

void Automation::beat() {
    const double gap =
        static_cast<double>(sinceBeat_.nsecsElapsed()) / 1e6 - static_cast<double>(beatEvery.count());
    sinceBeat_.restart();
    longestGapMs_ = std::max(longestGapMs_, gap);
    gapsOver16_ += gap > 16 ? 1 : 0;
    gapsOver50_ += gap > 50 ? 1 : 0;
}

QJsonObject Automation::describe() const {
    SeenItems seen;
    collect(*window_.contentItem(), seen);
    return {{"window", toJson(window_.geometry())},
            {"scale", window_.devicePixelRatio()},
            {"items", seen.places},
            {"disabled", seen.disabled},
            {"session", plainProperties(session_)},
            {"document", plainProperties(*session_.document())},
            {"views", seen.views},
            {"notice", session_.notices()->shown() ? session_.notices()->text() : QString()},
            {"jobs", session_.jobs()->count()},
            {"model", plainProperties(*session_.model()).value(QLatin1String("state"))},
            {"modelName", session_.model()->name()},
            {"models", describeModels(*session_.models())},
            {"longestGapMs", longestGapMs_},
            {"gapsOver16", gapsOver16_},
            {"gapsOver50", gapsOver50_}};
}

void Automation::look() {
    QJsonObject seen = describe();
    const QByteArray text = QJsonDocument(seen).toJson(QJsonDocument::Compact);
    if (text == lastSeen_)
        return;
    lastSeen_ = text;
    seen.insert(QLatin1String("ms"), millisecondsSinceStart());
    file_.write(QJsonDocument(seen).toJson(QJsonDocument::Compact) + '\n');
    file_.flush();
}

} // namespace tandem
