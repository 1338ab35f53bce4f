#include "app/gui/shell/model_chooser.h"

#include "app/gui/shell/jobs.h"
#include "app/models.h"

#include <QtCore/QLocale>
#include <QtCore/QSettings>
#include <QtCore/QStandardPaths>

#include <algorithm>
#include <future>
#include <utility>

namespace tandem {

namespace {

constexpr qsizetype idShown = 12;

QString text(const std::filesystem::path& path) {
    return QString::fromStdString(path.string());
}

/// Where embeddings of slow models are kept; the setting `network/cacheMegabytes` says how many (0: none).
SegmenterOptions embeddingCache() {
    SegmenterOptions options;
    const QString cache = QStandardPaths::writableLocation(QStandardPaths::GenericCacheLocation);
    const qint64 standard = options.cacheBytes >> 20;
    const qint64 megabytes = QSettings().value("network/cacheMegabytes", standard).toLongLong();
    if (cache.isEmpty() || megabytes <= 0)
        return options;
    options.cacheFolder = std::filesystem::path(cache.toStdString()) / "tandem" / "embeddings";
    options.cacheBytes = std::min<qint64>(megabytes, 1 << 20) << 20;
    return options;
}

Result<std::shared_ptr<Segmenter>> makeSegmenter(const std::function<Result<InferenceLibrary*>()>& library) {
    auto opened = library();
    if (!opened)
        return opened.error();
    return std::shared_ptr<Segmenter>((*opened)->createSegmenter(embeddingCache()));
}

/// Waits on a pool thread for the inference thread's answer.
Result<ModelInfo> loadAndWait(Segmenter& segmenter, const std::filesystem::path& file) {
    auto answer = std::make_shared<std::promise<Result<ModelInfo>>>();
    segmenter.loadModel(file, [answer](Result<ModelInfo> info) { answer->set_value(std::move(info)); });
    return answer->get_future().get();
}

} // namespace

ModelChooser::ModelChooser(JobList& jobs, std::function<Result<InferenceLibrary*>()> library,
                           std::filesystem::path bundledModel, QObject* parent)
    : QObject(parent), jobs_(jobs), library_(std::move(library)), bundledModel_(std::move(bundledModel)) {}

ModelChooser::~ModelChooser() = default;

void ModelChooser::start() {
    if (started_)
        return;
    started_ = true;
    busy_ = true;
    if (!wanted_ && !bundledModel_.empty())
        wanted_ = Wanted{bundledModel_, Wish::OfProject};
    jobs_.start<std::shared_ptr<Segmenter>>(
        tr("Starting the network"),
        [library = library_](const JobControl&) { return makeSegmenter(library); }, this,
        [this](Result<std::shared_ptr<Segmenter>> made) { libraryOpened(std::move(made)); });
    Q_EMIT changed();
}

void ModelChooser::libraryOpened(Result<std::shared_ptr<Segmenter>> made) {
    busy_ = false;
    if (!made) {
        unavailable_ = true;
        problem_ = QString::fromStdString(made.error().sentence);
        Q_EMIT changed();
        Q_EMIT failed(made.error());
        return;
    }
    segmenter_ = std::move(made).value();
    Q_EMIT segmenterReady(segmenter_.get());
    loadNext();
    Q_EMIT changed();
}

void ModelChooser::useForProject(const std::filesystem::path& file) {
    const std::filesystem::path wanted = file.empty() ? bundledModel_ : file;
    if (!wanted.empty())
        load(wanted, Wish::OfProject);
}

void ModelChooser::chooseFile(const QUrl& url) {
    useInProject(url.toLocalFile().toStdString());
}

void ModelChooser::useBundled() {
    if (hasBundled())
        useInProject(bundledModel_);
}

void ModelChooser::useInProject(const std::filesystem::path& file) {
    if (!info_ || info_->path != file || busy_)
        return load(file, Wish::ForProject);
    problem_.clear(); // it is in use already and need not be read again
    Q_EMIT changed();
    Q_EMIT chosen(bundled() ? QString() : text(file));
}

void ModelChooser::useFile(const std::filesystem::path& file) {
    load(file, Wish::ForNow);
}

void ModelChooser::load(const std::filesystem::path& file, Wish wish) {
    wanted_ = Wanted{file, wish};
    loadNext();
}

void ModelChooser::loadNext() {
    if (busy_ || !segmenter_ || !wanted_)
        return;
    const Wanted next = *std::exchange(wanted_, std::nullopt);
    if (info_ && info_->path == next.file && next.wish == Wish::OfProject)
        return;
    busy_ = true;
    loading_ = next.file;
    problem_.clear();
    jobs_.start<ModelInfo>(
        tr("Loading model %1").arg(loadingName()),
        [segmenter = segmenter_, next](const JobControl&) { return loadAndWait(*segmenter, next.file); },
        this,
        [this, next](Result<ModelInfo> loaded) { modelLoaded(next.file, next.wish, std::move(loaded)); });
    Q_EMIT changed();
}

void ModelChooser::modelLoaded(const std::filesystem::path& file, Wish wish, Result<ModelInfo> answer) {
    busy_ = false;
    loading_.clear();
    if (answer) {
        info_ = std::move(*answer);
        info_->path = file;
        loadSketch();
        Q_EMIT loaded();
        if (wish == Wish::ForProject)
            Q_EMIT chosen(bundled() ? QString() : text(file));
    } else {
        refused(file, wish, answer.error());
    }
    const QString problem = problem_;
    loadNext();
    problem_ = problem;
    Q_EMIT changed();
}

// A project's remembered file may have gone: the bundled model is better than none, and than another
// project's.
void ModelChooser::refused(const std::filesystem::path& file, Wish wish, Error error) {
    if (hasBundled() && file != bundledModel_ && !wanted_ && (wish == Wish::OfProject || !info_)) {
        wanted_ = Wanted{bundledModel_, Wish::OfProject};
        error.sentence = tr("The bundled model is used, because this project's own cannot be. %1 "
                            "Choose another in Model > Models.")
                             .arg(QString::fromStdString(error.sentence))
                             .toStdString();
    }
    problem_ = QString::fromStdString(error.sentence);
    Q_EMIT failed(error);
}

// Beside a large model the bundled one draws sketches. Without it everything works, only later.
void ModelChooser::loadSketch() {
    if (sketchAsked_ || info_->isSketch || !hasBundled() || info_->path == bundledModel_)
        return;
    sketchAsked_ = true;
    segmenter_->loadSketchModel(bundledModel_, [](const Result<ModelInfo>&) {});
}

ModelChooser::State ModelChooser::state() const {
    if (unavailable_)
        return Unavailable;
    if (busy_)
        return Loading;
    if (!started_)
        return Waiting;
    return info_ ? Ready : NoModel;
}

QString ModelChooser::name() const {
    if (!info_)
        return {};
    // A trainer calls every file the same: its run tells it from the model that it began with.
    return QString::fromStdString(modelTitle(*info_, bundled()));
}

QString ModelChooser::description() const {
    return info_ ? QString::fromStdString(info_->description) : QString();
}

QString ModelChooser::variant() const {
    return info_ ? QString::fromStdString(info_->variant) : QString();
}

QString ModelChooser::prompts() const {
    if (!info_)
        return {};
    return info_->trainedForPoints ? tr("boxes and points") : tr("boxes (points may be ignored)");
}

QString ModelChooser::size() const {
    if (!info_)
        return {};
    const QLocale locale;
    return tr("%1 parameters, %2, %3 px")
        .arg(locale.toString(static_cast<qlonglong>(info_->parameters)),
             locale.formattedDataSize(info_->fileBytes), locale.toString(info_->imageSize));
}

QString ModelChooser::idShort() const {
    return info_ ? QString::fromStdString(info_->id).left(idShown) : QString();
}

QString ModelChooser::file() const {
    return info_ ? text(info_->path) : QString();
}

QString ModelChooser::card() const {
    return info_ ? QString::fromStdString(info_->cardText) : QString();
}

bool ModelChooser::bundled() const {
    return info_ && hasBundled() && info_->path == bundledModel_;
}

QString ModelChooser::loadingName() const {
    return text(loading_.filename());
}

} // namespace tandem
