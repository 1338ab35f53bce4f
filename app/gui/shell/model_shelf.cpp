#include "app/gui/shell/model_shelf.h"

#include "app/gui/shell/jobs.h"
#include "app/gui/shell/model_chooser.h"
#include "app/known_models.h"

#include <QtCore/QDateTime>
#include <QtCore/QFileInfo>
#include <QtCore/QLocale>
#include <QtCore/QStringList>

#include <algorithm>
#include <system_error>
#include <utility>

namespace tandem {

namespace {

namespace fs = std::filesystem;

QString text(const std::string& s) {
    return QString::fromStdString(s);
}
QString text(std::string_view s) {
    return QString::fromUtf8(s.data(), static_cast<qsizetype>(s.size()));
}

bool sameFile(const fs::path& a, const fs::path& b) {
    std::error_code failed;
    return !a.empty() && (a == b || (a.filename() == b.filename() && fs::equivalent(a, b, failed)));
}

/// "boxes", "boxes and points", "boxes, points and masks".
QString inWords(const std::vector<std::string>& words) {
    QStringList all;
    for (const std::string& word : words)
        all << text(word);
    if (all.size() < 2)
        return all.join(QString());
    const QString last = all.takeLast();
    return QObject::tr("%1 and %2").arg(all.join(QStringLiteral(", ")), last);
}

QString megabytes(std::int64_t bytes) {
    const int decimals = bytes >= 1'000'000'000 ? 2 : bytes >= 100'000'000 ? 0 : 1;
    return QLocale().formattedDataSize(bytes, decimals, QLocale::DataSizeSIFormat);
}

QString summaryOf(const ListedModel& model) {
    if (!model.info)
        return {};
    return QObject::tr("%1, %2 parameters, %3, %4")
        .arg(text(modelKind(*model.info)), text(millions(model.info->parameters)), megabytes(model.bytes),
             inWords(trainedPrompts(*model.info)));
}

/// Two figures that count: 0.85 ms, 9.6 ms, 96 ms, 1.2 s, 12 s.
QString duration(double ms) {
    if (ms < 10)
        return QObject::tr("%1 ms").arg(ms, 0, 'f', 1);
    if (ms < 1000)
        return QObject::tr("%1 ms").arg(qRound(ms));
    return QObject::tr("%1 s").arg(ms / 1000, 0, 'f', ms < 10'000 ? 1 : 0);
}

QString speedDetails(const SpeedNote& note) {
    const ModelSpeed& s = note.speed;
    const QString at = QLocale().toString(QDateTime::fromString(text(note.measuredAt), Qt::ISODate).date(),
                                          QLocale::ShortFormat);
    const QString further = s.clickMs > 0 ? QObject::tr("%1 for a further one, %2 for a click")
                                                .arg(duration(s.furtherBoxMs), duration(s.clickMs))
                                          : QObject::tr("%1 for a further one").arg(duration(s.furtherBoxMs));
    return QObject::tr("%1 for the first box on a slice (encoder %2), %3; %4, %5, %6; measured %7")
        .arg(duration(s.firstBoxMs), duration(s.encodeMs), further, text(s.computedBy), text(s.arithmetic),
             s.threads == 1 ? QObject::tr("1 thread") : QObject::tr("%1 threads").arg(s.threads), at);
}

QString originOf(ModelOrigin origin) {
    switch (origin) {
    case ModelOrigin::Bundled:
        return QObject::tr("bundled");
    case ModelOrigin::Imported:
        return QObject::tr("imported");
    case ModelOrigin::Learnt:
        return QObject::tr("learnt from this project");
    case ModelOrigin::Project:
    case ModelOrigin::Recent:
        break;
    }
    return QObject::tr("elsewhere on this machine");
}

Result<std::vector<ImportedModel>> importAll(const std::vector<fs::path>& files, InferenceLibrary& library,
                                             const JobControl& control) {
    std::vector<ImportedModel> imported;
    const double share = 1.0 / static_cast<double>(files.size());
    for (std::size_t i = 0; i < files.size(); ++i) {
        const Progress progress = [&](double done, std::string_view sentence) {
            control.progress((static_cast<double>(i) + done) * share, sentence);
        };
        auto one = importModel(files[i], {}, modelsFolder(), library, progress, control.stop);
        if (!one)
            return one.error();
        imported.push_back(std::move(*one));
    }
    return imported;
}

} // namespace

ModelShelf::ModelShelf(JobList& jobs, ModelChooser& model, std::function<Result<InferenceLibrary*>()> library,
                       fs::path bundledModel, QObject* parent)
    : QAbstractListModel(parent), jobs_(jobs), model_(model), library_(std::move(library)),
      bundled_(std::move(bundledModel)) {
    connect(&model_, &ModelChooser::changed, this, &ModelShelf::touch);
    connect(&model_, &ModelChooser::loaded, this, &ModelShelf::noteUse);
}

void ModelShelf::setProject(const fs::path& project, const fs::path& remembered) {
    if (project == project_ && remembered == remembered_)
        return;
    project_ = project;
    remembered_ = remembered;
    if (!models_.empty())
        refresh();
    Q_EMIT changed();
}

void ModelShelf::setProjectDefault(const fs::path& remembered) {
    if (!projectOpen())
        return;
    remembered_ = remembered;
    touch();
}

void ModelShelf::refresh() {
    const ModelPlaces places{bundled_, modelsFolder(), project_, remembered_};
    jobs_.start<std::vector<ListedModel>>(
        {},
        [library = library_, places](const JobControl&) -> Result<std::vector<ListedModel>> {
            const auto opened = library();
            if (!opened)
                return opened.error();
            return listModels(places, ModelNotes(), **opened);
        },
        this,
        [this, places](Result<std::vector<ListedModel>> models) {
            if (places.project != project_)
                return; // a newer list is on its way
            if (models)
                take(std::move(*models));
            else
                say(text(models.error().sentence));
        });
}

void ModelShelf::take(std::vector<ListedModel> models) {
    const bool sameRows =
        std::equal(models.begin(), models.end(), models_.begin(), models_.end(),
                   [](const ListedModel& a, const ListedModel& b) { return a.file == b.file; });
    if (sameRows && !models.empty()) { // rows that stay must not be torn down under a press of the mouse
        models_ = std::move(models);
        Q_EMIT dataChanged(index(0), index(count() - 1));
    } else {
        beginResetModel();
        models_ = std::move(models);
        endResetModel();
    }
    if (!has(selected())) {
        const auto used =
            std::find_if(models_.begin(), models_.end(), [this](const ListedModel& m) { return inUse(m); });
        if (!models_.empty())
            selected_ = (used == models_.end() ? models_.front() : *used).file;
    }
    Q_EMIT changed();
}

int ModelShelf::rowOf(const fs::path& file) const {
    const auto found = std::find_if(models_.begin(), models_.end(),
                                    [&](const ListedModel& m) { return !file.empty() && m.file == file; });
    return found == models_.end() ? -1 : static_cast<int>(found - models_.begin());
}

bool ModelShelf::inUse(const ListedModel& model) const {
    return model_.info() && sameFile(model_.info()->path, model.file);
}

bool ModelShelf::isDefault(const ListedModel& model) const {
    const fs::path& file = remembered_.empty() ? bundled_ : remembered_;
    return projectOpen() && sameFile(file, model.file);
}

void ModelShelf::select(int row) {
    if (!has(row) || row == selected())
        return;
    selected_ = models_[static_cast<std::size_t>(row)].file;
    Q_EMIT changed();
}

void ModelShelf::say(const QString& problem) {
    problem_ = problem;
    Q_EMIT changed();
}

/// What rows show besides the files themselves has changed.
void ModelShelf::touch() {
    if (!models_.empty())
        Q_EMIT dataChanged(index(0), index(count() - 1), {InUseRole, DefaultRole});
    Q_EMIT changed();
}

void ModelShelf::use(int row) {
    if (!has(row))
        return;
    say({});
    model_.useFile(models_[static_cast<std::size_t>(row)].file);
}

void ModelShelf::makeDefault(int row) {
    if (!has(row))
        return;
    say({});
    model_.useInProject(models_[static_cast<std::size_t>(row)].file);
}

// A file that lies nowhere else in the list is found again among those that were used before.
void ModelShelf::noteUse() {
    const fs::path file = model_.info()->path;
    std::error_code failed;
    if (sameFile(file, bundled_) || sameFile(file.parent_path(), modelsFolder()))
        return;
    jobs_.start<bool>(
        {},
        [file](const JobControl&) -> Result<bool> {
            return ModelNotes().noteUse(file).has_value(); // unwritable: it is only not remembered
        },
        this,
        [this](const Result<bool>&) {
            if (!models_.empty())
                refresh();
        });
}

void ModelShelf::measure(int row) {
    if (!has(row) || !measuring_.empty())
        return;
    const ListedModel& model = models_[static_cast<std::size_t>(row)];
    measuring_ = model.file;
    say({});
    measureJob_ = jobs_.start<ModelSpeed>(
        tr("Measuring %1").arg(text(model.title)),
        [library = library_, file = model.file](const JobControl& control) -> Result<ModelSpeed> {
            const auto opened = library();
            if (!opened)
                return opened.error();
            SpeedRequest request;
            request.model = file;
            auto speed = (*opened)->measureSpeed(request, control.progress, control.stop);
            if (!speed)
                return speed;
            if (auto kept = ModelNotes().rememberSpeed(file, *speed); !kept)
                return kept.error();
            return speed;
        },
        this,
        [this](const Result<ModelSpeed>& speed) {
            measuring_.clear();
            if (!speed && speed.error().code != ErrorCode::Cancelled)
                say(text(speed.error().sentence));
            refresh();
            Q_EMIT changed();
        });
}

QString ModelShelf::measuringName() const {
    return has(measuring()) ? text(models_[static_cast<std::size_t>(measuring())].title) : QString();
}

void ModelShelf::stopMeasuring() {
    jobs_.cancel(measureJob_);
}

void ModelShelf::importFiles(const QList<QUrl>& urls) {
    QStringList paths;
    for (const QUrl& url : urls)
        if (url.isLocalFile())
            paths << url.toLocalFile();
    importPaths(paths);
}

void ModelShelf::importPaths(const QStringList& paths) {
    if (paths.isEmpty() || !importing_.isEmpty())
        return;
    std::vector<fs::path> files;
    for (const QString& path : paths)
        files.emplace_back(path.toStdString());
    importing_ =
        paths.size() == 1 ? QFileInfo(paths.front()).fileName() : tr("%n models", nullptr, paths.size());
    say({});
    importJob_ = jobs_.start<std::vector<ImportedModel>>(
        tr("Importing %1").arg(importing_),
        [library = library_, files](const JobControl& control) -> Result<std::vector<ImportedModel>> {
            const auto opened = library();
            return opened ? importAll(files, **opened, control) : opened.error();
        },
        this, [this](const Result<std::vector<ImportedModel>>& imported) { takeImported(imported); });
}

void ModelShelf::takeImported(const Result<std::vector<ImportedModel>>& imported) {
    importing_.clear();
    if (imported)
        selected_ = imported->back().file;
    else if (imported.error().code != ErrorCode::Cancelled)
        say(text(imported.error().sentence));
    refresh();
    Q_EMIT changed();
}

void ModelShelf::stopImporting() {
    jobs_.cancel(importJob_);
}

void ModelShelf::remove(int row) {
    if (!has(row))
        return;
    const ListedModel& model = models_[static_cast<std::size_t>(row)];
    say({});
    if (inUse(model) && model_.hasBundled())
        model_.useFile(bundled_);
    jobs_.start<bool>(
        {},
        [file = model.file](const JobControl&) -> Result<bool> {
            const auto removed = removeModel(file, modelsFolder());
            return removed ? Result<bool>(true) : removed.error();
        },
        this,
        [this](const Result<bool>& removed) {
            if (!removed)
                say(text(removed.error().sentence));
            refresh();
        });
}

QString ModelShelf::folder() const {
    return text(modelsFolder().string());
}

QVariantList ModelShelf::known() const {
    QVariantList list;
    for (const KnownModel& m : knownModels())
        list << QVariantMap{
            {QStringLiteral("name"), text(m.name)},       {QStringLiteral("file"), text(m.file)},
            {QStringLiteral("size"), megabytes(m.bytes)}, {QStringLiteral("prompts"), text(m.prompts)},
            {QStringLiteral("licence"), text(m.licence)}, {QStringLiteral("page"), text(m.page)}};
    return list;
}

QVariant ModelShelf::data(const QModelIndex& at, int role) const {
    if (!has(at.row()))
        return {};
    const ListedModel& m = models_[static_cast<std::size_t>(at.row())];
    switch (role) {
    case TitleRole:
        return text(m.title);
    case SummaryRole:
        return summaryOf(m);
    case FileRole:
        return text(m.file.string());
    case OriginRole:
        return m.bytes == 0 && !m.info ? tr("missing") : originOf(m.origin);
    case ProblemRole: // the folder stands below
        return text(m.problem).replace(text(m.file.string()), text(m.file.filename().string()));
    case CardRole:
        return m.info ? text(m.info->cardText) : QString();
    case SpeedRole:
        return m.speed ? tr("%1 per box").arg(duration(m.speed->speed.firstBoxMs)) : QString();
    case SpeedDetailsRole:
        return m.speed ? speedDetails(*m.speed) : QString();
    case InUseRole:
        return inUse(m);
    case DefaultRole:
        return isDefault(m);
    case RemovableRole:
        return m.origin == ModelOrigin::Imported;
    default:
        return {};
    }
}

QHash<int, QByteArray> ModelShelf::roleNames() const {
    return {{TitleRole, "title"},       {SummaryRole, "summary"},           {FileRole, "file"},
            {OriginRole, "origin"},     {ProblemRole, "problem"},           {CardRole, "card"},
            {SpeedRole, "speed"},       {SpeedDetailsRole, "speedDetails"}, {InUseRole, "inUse"},
            {DefaultRole, "isDefault"}, {RemovableRole, "removable"}};
}

} // namespace tandem
