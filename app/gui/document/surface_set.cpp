#include "app/gui/document/surface_set.h"

#include "app/gui/document/document.h"

#include <QtCore/QCoreApplication>
#include <QtCore/QPointer>

#include <algorithm>

namespace tandem {
namespace {

struct Wanted {
    LabelId label;
    LabelExtent extent;
};

constexpr std::int64_t mostTrianglesInAll = 250'000;

} // namespace

SurfaceSet::SurfaceSet(QObject* parent) : QObject(parent) {
    pool_.setMaxThreadCount(1);
    soon_.setSingleShot(true);
    soon_.setInterval(250);
    connect(&soon_, &QTimer::timeout, this, &SurfaceSet::buildStale);
    showSoon_.setSingleShot(true);
    showSoon_.setInterval(400);
    connect(&showSoon_, &QTimer::timeout, this, &SurfaceSet::changed);
}

SurfaceSet::~SurfaceSet() {
    stop_.request_stop();
    pool_.waitForDone();
}

void SurfaceSet::setDocument(Document* document) {
    if (document_)
        document_->disconnect(this);
    document_ = document;
    if (document_) {
        connect(document_, &QObject::destroyed, this, [this] { document_ = nullptr; });
        connect(document_, &Document::openChanged, this, &SurfaceSet::startOver);
        connect(document_, &Document::voxelsChanged, this, [this](const std::vector<LabelId>& labels) {
            stale_.insert(labels.begin(), labels.end());
            soon_.start();
        });
    }
    startOver();
}

void SurfaceSet::startOver() {
    stop_.request_stop();
    stop_ = std::stop_source();
    ++round_;
    surfaces_.clear();
    stale_.clear();
    busy_ = false;
    if (document_ && document_->isOpen())
        for (const LabelInfo& label : document_->labelList()->labels())
            stale_.insert(label.id);
    soon_.start();
    Q_EMIT busyChanged();
    Q_EMIT changed();
}

void SurfaceSet::buildStale() {
    if (busy_ || stale_.empty() || !document_ || !document_->isOpen())
        return;
    std::vector<Wanted> wanted;
    for (LabelId id : stale_)
        wanted.push_back({id, document_->edits()->extent(id)});
    stale_.clear();
    const auto labels = static_cast<std::int64_t>(document_->labelList()->labels().size());
    const std::int64_t most =
        std::clamp<std::int64_t>(mostTrianglesInAll / std::max<std::int64_t>(labels, 1), 8'000, 100'000);
    busy_ = true;
    Q_EMIT busyChanged();
    const auto post = [self = QPointer<SurfaceSet>(this)](auto action) {
        if (QCoreApplication* app = QCoreApplication::instance())
            QMetaObject::invokeMethod(app, [self, action] {
                if (self)
                    action(*self);
            });
    };
    pool_.start([post, wanted, most, voxels = document_->edits()->guardedLabels(), stop = stop_.get_token(),
                 round = round_] {
        for (const Wanted& w : wanted) {
            if (stop.stop_requested())
                return;
            std::optional<Surface> built = buildSurface(*voxels, w.label, w.extent, most, stop);
            std::shared_ptr<const Surface> surface =
                built ? std::make_shared<const Surface>(std::move(*built)) : nullptr;
            post([round, label = w.label, surface](SurfaceSet& s) { s.take(round, label, surface); });
        }
        post([round](SurfaceSet& s) { s.finish(round); });
    });
}

void SurfaceSet::take(std::uint64_t round, LabelId label, std::shared_ptr<const Surface> surface) {
    if (round != round_)
        return;
    if (surface)
        surfaces_[label] = std::move(surface);
    else
        surfaces_.erase(label);
    if (!showSoon_.isActive())
        showSoon_.start();
}

void SurfaceSet::finish(std::uint64_t round) {
    if (round != round_)
        return;
    busy_ = false;
    Q_EMIT busyChanged();
    showSoon_.stop();
    Q_EMIT changed();
    if (!stale_.empty())
        soon_.start();
}

} // namespace tandem
