#include "app/gui/document/document.h"

#include "app/gui/document/prefetch_order.h"

#include <QtCore/QCoreApplication>
#include <QtCore/QPointer>
#include <QtCore/QThreadPool>
#include <QtCore/QVariantMap>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr std::size_t kPrepared = 8; // slices around the one that is shown

Plane planeOf(int number) {
    return number == 1 ? Plane::Coronal : number == 2 ? Plane::Sagittal : Plane::Axial;
}

// Array steps along a plane's slice axis that lead towards superior, anterior or right: +1 or -1.
int anatomicalStep(const Geometry& g, Plane p) {
    const auto axis = static_cast<std::size_t>(sliceAxes(g, p).slice);
    const std::size_t lps = p == Plane::Axial ? 2 : p == Plane::Coronal ? 1 : 0;
    const double towards = p == Plane::Axial ? 1.0 : -1.0; // LPS: superior is +z, anterior -y, right -x
    return g.direction(axis)[lps] * towards < 0 ? -1 : 1;
}

} // namespace

Document::Document(QObject* parent) : QObject(parent), labelColours_(65536, 0u) {
    prompts_.setEnded([this](const PromptRecord& record) { recordPrompt(record); });
    connect(&prompts_, &PromptSession::changed, this, &Document::proposalChanged);
    connect(&prompts_, &PromptSession::scribbleChanged, this, &Document::scribbleChanged);
    connect(&prompts_, &PromptSession::progressChanged, this, &Document::progressChanged);
    connect(&prompts_, &PromptSession::failed, this, &Document::failed);
    prefetchTimer_.setSingleShot(true);
    prefetchTimer_.setInterval(250);
    connect(&prefetchTimer_, &QTimer::timeout, this, &Document::prefetchAround);
    connect(this, &Document::cursorChanged, this, &Document::noteScrolling);
    connect(this, &Document::activePlaneChanged, this, &Document::noteScrolling);
    readyTimer_.setInterval(1000);
    connect(&readyTimer_, &QTimer::timeout, this, &Document::refreshReady);
    for (auto signal : {&Document::proposalChanged, &Document::activePlaneChanged, &Document::modelChanged})
        connect(this, signal, this, &Document::refreshReady);
    const auto prefetchSoon = [this] {
        if (isOpen() && (tool_ == Box || tool_ == Points))
            prefetchTimer_.start();
    };
    for (auto signal : {&Document::cursorChanged, &Document::toolChanged, &Document::activePlaneChanged})
        connect(this, signal, this, prefetchSoon);
}

Document::~Document() {
    close();
}

void Document::open(const CaseRecord& record, std::shared_ptr<const Volume> volume, LayerContent content,
                    std::shared_ptr<ProjectStore> store) {
    CaseOverview overview = overviewOf(*volume, record.image.modality, content.labels);
    open(record, std::move(volume), std::move(content), std::move(store), std::move(overview));
}

void Document::open(const CaseRecord& record, std::shared_ptr<const Volume> volume, LayerContent content,
                    std::shared_ptr<ProjectStore> store, CaseOverview overview) {
    close();
    if (refuse(checkSameGrid(content.labels.grid(), "The mask", volume->geometry(), "the image")))
        return;
    record_ = record;
    volume_ = std::move(volume);
    store_ = std::move(store);
    edits_ =
        std::make_unique<EditSession>(record.layer, std::move(content), std::move(overview.labels), store_);
    hounsfield_ = overview.hounsfield;
    makePresets(overview);
    window_ = presets_.front().window;
    prompts_.setImage(volume_, record.image.contentHash, window_);
    loadLabels();
    connectEdits();
    const Size3 size = geometry().size();
    cursor_ = {size[0] / 2, size[1] / 2, size[2] / 2};
    activePlane_ = std::max(0, picturePlane());
    fitBrush();
    fitGrow();
    readyTimer_.start();
    Q_EMIT openChanged();
    for (auto signal : {&Document::readOnlyChanged, &Document::cursorChanged, &Document::activePlaneChanged,
                        &Document::windowChanged, &Document::activeLabelChanged, &Document::masksChanged,
                        &Document::historyChanged, &Document::savingChanged})
        Q_EMIT(this->*signal)();
}

void Document::close() {
    if (!isOpen())
        return;
    settleStroke();
    learnFromAcceptedBox();
    refuse(memories_.save(*store_));
    memories_.leave();
    readyTimer_.stop();
    prompts_.setImage(nullptr, {}, {});
    edits_->finish();
    edits_->disconnect(this);
    stroke_.reset();
    volume_.reset();
    edits_.reset();
    store_.reset();
    record_ = {};
    removedLabels_.clear();
    labels_.reset({}, {});
    activeLabel_ = {};
    refreshReady();
    Q_EMIT openChanged();
    for (auto signal : {&Document::activeLabelChanged, &Document::masksChanged, &Document::historyChanged,
                        &Document::savingChanged})
        Q_EMIT(this->*signal)();
}

void Document::connectEdits() {
    connect(edits_.get(), &EditSession::changed, this, &Document::noteEdit);
    connect(edits_.get(), &EditSession::committed, this, &Document::edited);
    connect(edits_.get(), &EditSession::savingChanged, this, &Document::savingChanged);
    connect(edits_.get(), &EditSession::historyChanged, this, &Document::historyChanged);
    connect(edits_.get(), &EditSession::failed, this, &Document::failed);
}

bool Document::refuse(const Result<void>& result) {
    if (!result)
        Q_EMIT failed(QString::fromStdString(result.error().sentence));
    return !result;
}

bool Document::readOnly() const {
    return record_.state == CaseState::Submitted || record_.state == CaseState::Approved;
}

void Document::setCaseState(CaseState state) {
    record_.state = state;
    if (readOnly()) {
        settleStroke();
        prompts_.discard();
    }
    Q_EMIT readOnlyChanged();
}

void Document::setSegmenter(Segmenter* segmenter) {
    segmenter_ = segmenter;
    prompts_.setSegmenter(segmenter);
    Q_EMIT modelChanged();
}

void Document::refreshModel() {
    Q_EMIT modelChanged();
    prompts_.askAgain();
    if (isOpen() && (tool_ == Box || tool_ == Points))
        prefetchTimer_.start();
}

// --- what the network prepares

void Document::noteScrolling() {
    const SliceKey now = sliceOf(planeOf(activePlane_));
    if (now.plane != lastSlice_.plane)
        scrollDirection_ = 0;
    else if (now.index != lastSlice_.index)
        scrollDirection_ = now.index > lastSlice_.index ? 1 : -1;
    lastSlice_ = now;
}

void Document::prefetchAround() {
    if (!isOpen() || readOnly())
        return;
    const SliceKey here = sliceOf(planeOf(activePlane_));
    prompts_.prefetch(here, slicesToPrepare(here, scrollDirection_, sliceCount(activePlane_), kPrepared));
}

void Document::refreshReady() {
    QVariantList runs;
    if (isOpen()) {
        const std::vector<bool> ready = prompts_.readySlices(planeOf(activePlane_), sliceCount(activePlane_));
        for (std::size_t first = 0, last = 0; first < ready.size(); first = last + 1) {
            last = first;
            if (!ready[first])
                continue;
            while (last + 1 < ready.size() && ready[last + 1])
                ++last;
            const double a = stripPlace(activePlane_, static_cast<int>(first)),
                         b = stripPlace(activePlane_, static_cast<int>(last));
            runs.append(QVariant(
                QVariantList{std::min(a, b), std::abs(b - a) + 1.0 / static_cast<double>(ready.size())}));
        }
    }
    if (runs == readyRuns_)
        return;
    readyRuns_ = runs;
    Q_EMIT readyRunsChanged();
}

QString Document::sketchName() const {
    const auto sketch = segmenter_ ? segmenter_->sketchModel() : std::nullopt;
    return sketch ? QString::fromStdString(sketch->name) : QString();
}

QString Document::modelName() const {
    const auto model = segmenter_ ? segmenter_->model() : std::nullopt;
    return model ? QString::fromStdString(model->name) : QString();
}

bool Document::modelKnowsPoints() const {
    const auto model = segmenter_ ? segmenter_->model() : std::nullopt;
    return !model || model->trainedForPoints;
}

void Document::recordPrompt(const PromptRecord& record) {
    if (!store_)
        return;
    // The store answers when its own thread has written; the window does not wait for that.
    QThreadPool::globalInstance()->start(
        [store = store_, layer = record_.layer, record, self = QPointer(this)] {
            const Result<void> done = store->recordPrompt(layer, record);
            if (done)
                return;
            const QString sentence = QString::fromStdString(done.error().sentence);
            if (QCoreApplication* app = QCoreApplication::instance())
                QMetaObject::invokeMethod(app, [self, sentence] {
                    if (self)
                        Q_EMIT self->failed(sentence);
                });
        });
}

// --- where one looks

SliceKey Document::sliceOf(Plane p) const {
    return {p, isOpen() ? cursor_[static_cast<std::size_t>(sliceAxes(geometry(), p).slice)] : 0};
}

void Document::setCursor(const VoxelIndex& to) {
    if (!isOpen())
        return;
    VoxelIndex inside = to;
    for (std::size_t a = 0; a < 3; ++a)
        inside[a] = std::clamp<std::int64_t>(to[a], 0, geometry().size()[a] - 1);
    if (inside == cursor_)
        return;
    cursor_ = inside;
    Q_EMIT cursorChanged();
}

void Document::setActivePlane(int plane) {
    if (plane == activePlane_ || plane < 0 || plane > 2)
        return;
    activePlane_ = plane;
    Q_EMIT activePlaneChanged();
}

int Document::picturePlane() const {
    int found = -1;
    for (int plane = 0; plane < 3; ++plane) {
        if (sliceCount(plane) != 1)
            continue;
        if (found >= 0) // a line or a point
            return -1;
        found = plane;
    }
    return found;
}

int Document::sliceCount(int plane) const {
    return isOpen() ? static_cast<int>(tandem::sliceCount(geometry(), planeOf(plane))) : 0;
}

void Document::setSlice(int plane, int index) {
    if (!isOpen())
        return;
    VoxelIndex to = cursor_;
    to[static_cast<std::size_t>(sliceAxes(geometry(), planeOf(plane)).slice)] = index;
    setCursor(to);
}

double Document::stripPlace(int plane, int index) const {
    const int count = sliceCount(plane);
    if (count == 0)
        return 0;
    const bool upwards = anatomicalStep(geometry(), planeOf(plane)) > 0;
    return static_cast<double>(upwards ? count - 1 - index : index) / count;
}

void Document::stepSlice(int plane, int n) {
    if (isOpen())
        setSlice(plane, static_cast<int>(sliceOf(planeOf(plane)).index) +
                            n * anatomicalStep(geometry(), planeOf(plane)));
}

// --- grey values

void Document::makePresets(const CaseOverview& overview) {
    presets_.clear();
    if (hounsfield_)
        presets_ = {{tr("Soft tissue"), {40, 400}},
                    {tr("Lung"), {-600, 1500}},
                    {tr("Bone"), {400, 1800}},
                    {tr("Brain"), {40, 80}},
                    {tr("Liver"), {80, 160}}};
    presets_.push_back({tr("Auto"), overview.automatic});
    const std::array<double, 2> range = overview.range;
    presets_.push_back({tr("Full range"), {(range[0] + range[1]) / 2, std::max(1e-6, range[1] - range[0])}});
    for (Preset& preset : presets_)
        preset.window.inverted = volume_->shownInverted();
}

QVariantList Document::presets() const {
    QVariantList list;
    if (isOpen())
        for (const Preset& p : presets_)
            list.append(QVariantMap{{"name", p.name}, {"level", p.window.level}, {"width", p.window.width}});
    return list;
}

void Document::applyPreset(int index) {
    if (!isOpen() || index < 0 || index >= static_cast<int>(presets_.size()))
        return;
    // The network sees the preset, not what is dragged by hand for the eye: its work on a slice stays in the
    // cache.
    const GreyWindow& preset = presets_[static_cast<std::size_t>(index)].window;
    prompts_.setWindow(preset);
    setWindow({preset.level, preset.width, window_.inverted});
}

void Document::setWindow(const GreyWindow& window) {
    const GreyWindow sane{std::isfinite(window.level) ? window.level : window_.level,
                          std::isfinite(window.width) ? std::max(window.width, 1e-3) : window_.width,
                          window.inverted};
    if (sane == window_)
        return;
    window_ = sane;
    Q_EMIT windowChanged();
}

QString Document::valueUnit() const {
    return isOpen() && hounsfield_ ? QStringLiteral("HU") : QString();
}

} // namespace tandem
