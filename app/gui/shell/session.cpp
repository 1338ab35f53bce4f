#include "app/gui/shell/session.h"

#include "app/demo_project.h"
#include "core/usecases/find_images.h"

#include <QtCore/QDir>
#include <QtCore/QFileInfo>
#include <QtCore/QStandardPaths>

#include <chrono>
#include <thread>
#include <utility>

namespace tandem {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds refreshDelay{150};
constexpr std::chrono::seconds closingPatience{5};
constexpr std::chrono::milliseconds lockAskedAgainAfter{20};
const std::string modelSetting = "model.file";

fs::path toPath(const QString& text) {
    return fs::path(text.toStdString());
}
QString toText(const fs::path& path) {
    return QString::fromStdString(path.string());
}

fs::path dataFolder() {
    return toPath(QStandardPaths::writableLocation(QStandardPaths::AppDataLocation));
}
fs::path scratchPath() {
    return dataFolder() / "Scratch.tandem";
}

bool isProject(const QString& path) {
    return path.endsWith(QLatin1String(".tandem"), Qt::CaseInsensitive);
}

/// A project that was just closed stays locked until the last work on it has ended, and it may be the one to
/// be opened: while that can be, a lock is asked for again.
template <class Work>
auto patiently(const Work& work, const JobControl& control, std::chrono::steady_clock::time_point until) {
    auto answer = work(control);
    while (!answer && answer.error().code == ErrorCode::Locked && !control.stop.stop_requested() &&
           std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(lockAskedAgainAfter);
        answer = work(control);
    }
    return answer;
}

/// What helps when a case's image is not where it was.
Error withHint(Error error) {
    if (error.code == ErrorCode::FileNotFound)
        error.sentence += " If it was moved, open it from where it is now: its case follows it.";
    return error;
}

std::vector<fs::path> toPaths(const QStringList& texts) {
    std::vector<fs::path> paths;
    for (const QString& text : texts)
        paths.push_back(toPath(text));
    return paths;
}

struct Imported {
    std::optional<OpenedCase> first;
    std::vector<CaseRecord> cases;
    std::vector<Error> refused;
};

/// Adds one image and, if it is the first that could be added, opens its case.
Result<void> importOne(const ImageReader& reader, ProjectStore& store, const ImportChoice::Wish& wish,
                       const Progress& progress, std::stop_token stop, Imported& into) {
    auto read = readImage(reader, wish.entry.path, wish.entry.seriesKey, wish.frame, progress, stop);
    if (!read)
        return read.error();
    auto added = findOrAddCase(store, caseNameFor(wish.entry, wish.frame), read->record);
    if (!added)
        return added.error();
    if (into.first)
        return {};
    auto opened = openCaseWith(store, *added, std::move(*read));
    if (!opened)
        return opened.error();
    into.first = std::move(*opened);
    return {};
}

Result<Imported> importAll(const ImageReader& reader, ProjectStore& store,
                           const std::vector<ImportChoice::Wish>& wishes, const JobControl& control) {
    Imported imported;
    const double share = 1.0 / static_cast<double>(wishes.size());
    for (std::size_t i = 0; i < wishes.size() && !control.stop.stop_requested(); ++i) {
        const auto progress = [&](double fraction, std::string_view sentence) {
            control.progress((static_cast<double>(i) + fraction) * share, sentence);
        };
        auto done = importOne(reader, store, wishes[i], progress, control.stop, imported);
        if (!done && done.error().code == ErrorCode::Cancelled)
            return done.error();
        if (!done)
            imported.refused.push_back(done.error());
    }
    auto cases = store.cases();
    if (!cases)
        return cases.error();
    imported.cases = std::move(*cases);
    return imported;
}

} // namespace

Session::Session(Parts& parts, QObject* parent)
    : QObject(parent), parts_(parts), model_(jobs_, parts.inference, parts.defaultModel),
      models_(jobs_, model_, parts.inference, parts.defaultModel), exportPlan_(jobs_, *parts.reader),
      propagation_(document_, model_, jobs_, notices_),
      learner_(jobs_, model_, *parts.reader, parts.inference, parts.defaultModel) {
    refreshSoon_.setSingleShot(true);
    refreshSoon_.setInterval(refreshDelay);
    cases_.setPerson(preferences_.personName());
    connect(&refreshSoon_, &QTimer::timeout, this, &Session::refreshCases);
    connect(&preferences_, &Preferences::personNameChanged, this,
            [this] { cases_.setPerson(preferences_.personName()); });
    connect(&cases_, &CaseList::countsChanged, this, &Session::neighboursChanged);
    connect(&cases_, &CaseList::currentRowChanged, this, &Session::neighboursChanged);
    document_.setDrawingHabit(preferences_.drawingHabit());
    connect(&document_, &Document::drawingHabitLearned, this,
            [this] { preferences_.setDrawingHabit(document_.drawingHabit()); });
    connect(&document_, &Document::edited, this, &Session::caseEdited);
    connect(&document_, &Document::failed, this,
            [this](const QString& sentence) { notices_.add(NoticeList::Failure, sentence); });
    connect(&model_, &ModelChooser::segmenterReady, &document_, &Document::setSegmenter);
    connect(&model_, &ModelChooser::changed, this, [this] {
        if (model_.state() == ModelChooser::Unavailable)
            document_.setSegmenterUnavailable(model_.problem());
    });
    connect(&model_, &ModelChooser::loaded, &document_, &Document::refreshModel);
    connect(&model_, &ModelChooser::chosen, this, &Session::rememberModel);
    connect(&model_, &ModelChooser::failed, this, [this](const Error& error) { fail(error); });
}

Session::~Session() {
    refreshSoon_.stop();
    document_.close();
    document_.setSegmenter(nullptr);
    // What runs on the pool uses reader, store and segmenter.
    jobs_.stopAndWait();
}

void Session::windowBuilt() {
    begin(std::exchange(startPaths_, {}));
    Q_EMIT begun();
}

void Session::begin(const QStringList& paths) {
    if (!paths.isEmpty())
        return openPaths(paths);
    const QString last = preferences_.openProject();
    if (!last.isEmpty() && QFileInfo::exists(last))
        openProjectFile(toPath(last), [this] { openLastCase(); });
}

// --- what to open
// ---------------------------------------------------------------------------------------------

void Session::open(const QList<QUrl>& urls) {
    QStringList paths;
    for (const QUrl& url : urls) {
        if (url.isLocalFile())
            paths << QDir::cleanPath(url.toLocalFile());
        else
            notices_.add(
                NoticeList::Failure,
                tr("%1 is not a file on this machine. Copy it here first.").arg(url.toDisplayString()));
    }
    openPaths(paths);
}

void Session::openPaths(const QStringList& paths) {
    QStringList projects, images, models;
    for (const QString& path : paths)
        (isProject(path)                ? projects
         : looksLikeModel(toPath(path)) ? models
                                        : images)
            << QFileInfo(path).absoluteFilePath();
    if (!models.isEmpty()) {
        models_.importPaths(models);
        Q_EMIT modelsOpened();
    }
    if (projects.size() > 1)
        notices_.add(NoticeList::Warning,
                     tr("One project is open at a time; %1 was opened.").arg(projects.front()));
    if (!projects.isEmpty())
        openProjectFile(toPath(projects.front()),
                        [this, images] { images.isEmpty() ? openLastCase() : lookAtImages(images); });
    else if (!images.isEmpty())
        lookAtImages(images);
}

void Session::openProjectFile(const fs::path& file, std::function<void()> then) {
    // A project that is open is locked by ourselves; it need not be opened again.
    std::error_code ignored;
    if (store_ && fs::equivalent(store_->path(), file, ignored))
        return then();
    startOpeningProject(
        tr("Opening %1").arg(toText(file.filename())),
        [open = parts_.openProject, file](const JobControl&) { return describeProject(open(file)); },
        std::move(then));
}

void Session::newProject(const QUrl& url) {
    QString text = url.toLocalFile();
    if (!isProject(text))
        text += QStringLiteral(".tandem");
    const std::string name = QFileInfo(text).completeBaseName().toStdString();
    startOpeningProject(
        tr("Making %1").arg(QFileInfo(text).fileName()),
        [create = parts_.createProject, file = toPath(text), name](const JobControl&) {
            return describeProject(create(file, name));
        },
        [] {});
}

void Session::openDemo() {
    const fs::path folder = dataFolder() / "Demo";
    std::error_code ignored;
    if (store_ && fs::equivalent(store_->path().parent_path(), folder, ignored))
        return openLastCase();
    startOpeningProject(
        tr("Making the demo case"),
        [&parts = parts_, folder](const JobControl& control) -> Result<OpenedProject> {
            auto made = makeDemoProject(folder, parts, control.progress, control.stop);
            return made ? describeProject(parts.openProject(*made)) : made.error();
        },
        [this] { openLastCase(); });
}

// --- projects
// -------------------------------------------------------------------------------------------------

Result<Session::OpenedProject> Session::describeProject(Result<std::unique_ptr<ProjectStore>> opened) {
    if (!opened)
        return opened.error();
    OpenedProject project;
    project.store = std::move(*opened);
    auto name = project.store->name();
    if (!name)
        return name.error();
    auto cases = project.store->cases();
    if (!cases)
        return cases.error();
    auto model = project.store->setting(modelSetting);
    if (!model)
        return model.error();
    project.name = *name;
    project.cases = std::move(*cases);
    project.model = model->value_or(std::string());
    return project;
}

std::function<Result<Session::OpenedProject>(const JobControl&)> Session::scratchOpener() const {
    return [&parts = parts_](const JobControl&) -> Result<OpenedProject> {
        std::error_code failed;
        fs::create_directories(dataFolder(), failed);
        if (failed)
            return Error{ErrorCode::FileUnwritable, "The folder " + dataFolder().string() +
                                                        " could not be made (" + failed.message() +
                                                        "), so nothing could be saved."};
        return describeProject(fs::exists(scratchPath(), failed)
                                   ? parts.openProject(scratchPath())
                                   : parts.createProject(scratchPath(), "Scratch"));
    };
}

void Session::startOpeningProject(const QString& what,
                                  std::function<Result<OpenedProject>(const JobControl&)> work,
                                  std::function<void()> then) {
    const int wish = ++wish_;
    setOpening(what);
    openingJob_ = jobs_.start<OpenedProject>(
        what,
        [until = closedAt_ + closingPatience, work = std::move(work)](const JobControl& control) {
            return patiently(work, control, until);
        },
        this,
        [this, wish, then = std::move(then)](Result<OpenedProject> opened) {
            if (wish != wish_)
                return;
            setOpening({});
            if (!opened)
                return fail(opened.error());
            takeProject(std::move(*opened), then);
        });
}

void Session::takeProject(OpenedProject opened, const std::function<void()>& then) {
    closeProject();
    store_ = std::move(opened.store);
    projectName_ = QString::fromStdString(opened.name);
    takeCases(std::move(opened.cases));
    preferences_.setOpenProject(projectPath());
    if (!projectIsScratch())
        preferences_.noteProject(projectPath());
    models_.setProject(store_->path(), opened.model);
    model_.useForProject(opened.model);
    Q_EMIT projectChanged();
    then();
}

void Session::stopOpening() {
    ++wish_;
    jobs_.cancel(openingJob_);
    setOpening({});
}

void Session::closeProject() {
    stopOpening();
    closeCase();
    if (!store_)
        return;
    store_.reset();
    closedAt_ = std::chrono::steady_clock::now();
    projectName_.clear();
    models_.setProject({}, {});
    takeCases({});
    preferences_.setOpenProject({});
    Q_EMIT projectChanged();
}

void Session::openLastCase() {
    if (cases_.cases().empty())
        return;
    const CaseId last{preferences_.lastCase(projectPath())};
    const CaseId first = cases_.cases().front().id;
    openCase(cases_.find(last) ? last.value : first.value);
}

QString Session::projectPath() const {
    return store_ ? toText(store_->path()) : QString();
}

bool Session::projectIsScratch() const {
    return store_ && store_->path() == scratchPath();
}

// --- images
// ---------------------------------------------------------------------------------------------------

void Session::lookAtImages(const QStringList& paths) {
    const int wish = ++wish_;
    const QString what = paths.size() == 1 ? tr("Looking at %1").arg(QFileInfo(paths.front()).fileName())
                                           : tr("Looking at %1 files").arg(paths.size());
    setOpening(what);
    openingJob_ = jobs_.start<FoundImages>(
        what,
        [reader = parts_.reader.get(), paths = toPaths(paths)](const JobControl& c) {
            return findImages(*reader, paths, c.progress, c.stop);
        },
        this,
        [this, wish](Result<FoundImages> found) {
            if (wish != wish_)
                return;
            setOpening({});
            if (!found)
                return fail(found.error());
            for (const RefusedImage& refused : found->refused)
                fail({ErrorCode::FormatUnsupported, refused.sentence});
            const bool choose = ImportChoice::isNeeded(found->images);
            importChoice_.offer(std::move(found->images));
            if (choose)
                Q_EMIT chooseImages();
            else
                importChosen();
        });
}

void Session::importChosen() {
    std::vector<ImportChoice::Wish> wishes = importChoice_.ticked();
    importChoice_.offer({});
    if (wishes.empty())
        return;
    if (store_)
        return startImport(std::move(wishes));
    startOpeningProject(tr("Opening the scratch project"), scratchOpener(),
                        [this, wishes = std::move(wishes)] { startImport(wishes); });
}

void Session::startImport(std::vector<ImportChoice::Wish> wishes) {
    const int wish = ++wish_;
    const QString what = wishes.size() == 1
                             ? tr("Opening %1").arg(toText(wishes.front().entry.path.filename()))
                             : tr("Adding %1 images").arg(wishes.size());
    setOpening(what);
    openingJob_ = jobs_.start<Imported>(
        what,
        [reader = parts_.reader.get(), store = store_, wishes = std::move(wishes)](
            const JobControl& control) { return importAll(*reader, *store, wishes, control); },
        this,
        [this, wish, store = store_](Result<Imported> imported) {
            if (store != store_)
                return;
            if (!imported) {
                if (wish == wish_)
                    setOpening({});
                return fail(imported.error());
            }
            for (const Error& error : imported->refused)
                fail(error);
            takeCases(std::move(imported->cases));
            if (wish != wish_)
                return;
            setOpening({});
            if (imported->first)
                takeCase(std::move(*imported->first));
        });
}

// --- cases
// ----------------------------------------------------------------------------------------------------

void Session::openCase(qlonglong caseId) {
    const auto record = cases_.find(CaseId{caseId});
    if (!store_ || !record || (current_ && current_->id == record->id && !opening()))
        return;
    const int wish = ++wish_;
    jobs_.cancel(openingJob_);
    const QString what = tr("Opening %1").arg(QString::fromStdString(record->name));
    setOpening(what);
    openingJob_ = jobs_.start<OpenedCase>(
        what,
        [reader = parts_.reader.get(), store = store_, id = record->id](const JobControl& control) {
            return tandem::openCase(*reader, *store, id, control.progress, control.stop);
        },
        this,
        [this, wish](Result<OpenedCase> opened) {
            if (wish != wish_)
                return;
            setOpening({});
            if (!opened)
                return fail(withHint(opened.error()));
            takeCase(std::move(*opened));
        });
}

void Session::takeCase(OpenedCase opened) {
    document_.open(opened.record, opened.image.volume, std::move(opened.layer), store_,
                   std::move(opened.overview));
    imageDescription_ = QString::fromStdString(opened.image.description);
    preferences_.noteCase(projectPath(), opened.record.id.value);
    current_ = std::move(opened.record);
    cases_.setCurrent(current_->id);
    for (const std::string& warning : opened.image.warnings)
        notices_.add(NoticeList::Warning, QString::fromStdString(warning));
    Q_EMIT caseChanged();
}

void Session::forgetBoxes() {
    if (auto done = document_.forgetBoxes(); !done)
        fail(done.error());
    preferences_.setDrawingHabit({});
}

void Session::closeCase() {
    document_.close();
    if (!current_)
        return;
    current_.reset();
    imageDescription_.clear();
    cases_.setCurrent({});
    Q_EMIT caseChanged();
}

void Session::nextCase() {
    if (const auto next = cases_.neighbour(CaseId{caseId()}, 1))
        openCase(next->value);
}

void Session::previousCase() {
    if (const auto previous = cases_.neighbour(CaseId{caseId()}, -1))
        openCase(previous->value);
}

void Session::takeCases(std::vector<CaseRecord> cases) {
    cases_.setCases(std::move(cases));
    exportPlan_.setProject(store_, cases_.cases());
    learner_.setProject(store_, cases_.approvedCount());
    if (!current_)
        return;
    if (auto now = cases_.find(current_->id)) {
        current_ = std::move(*now);
        document_.setCaseState(current_->state);
        Q_EMIT caseChanged();
    } else {
        closeCase();
    }
}

void Session::refreshCases() {
    if (!store_)
        return;
    jobs_.start<std::vector<CaseRecord>>(
        {}, [store = store_](const JobControl&) { return store->cases(); }, this,
        [this, store = store_](Result<std::vector<CaseRecord>> cases) {
            if (store != store_)
                return;
            if (!cases)
                return fail(cases.error());
            takeCases(std::move(*cases));
        });
}

void Session::change(std::function<Result<void>(ProjectStore&)> work) {
    using Cases = std::vector<CaseRecord>;
    if (!store_)
        return;
    jobs_.start<Cases>(
        {},
        [store = store_, work = std::move(work)](const JobControl&) -> Result<Cases> {
            if (auto done = work(*store); !done)
                return done.error();
            return store->cases();
        },
        this,
        [this, store = store_](Result<Cases> cases) {
            if (store != store_)
                return;
            if (!cases)
                return fail(cases.error());
            takeCases(std::move(*cases));
        });
}

void Session::caseEdited() {
    if (!current_)
        return;
    // Who draws first on a case that is nobody's has it.
    if (current_->assignee.empty())
        assignToMe();
    else if (current_->state != CaseState::InProgress)
        refreshSoon_.start();
}

void Session::assignToMe() {
    if (current_)
        change([id = current_->id, name = preferences_.personName().toStdString()](ProjectStore& store) {
            return store.assign(id, name);
        });
}

void Session::removeCase(qlonglong caseId) {
    if (current_ && current_->id.value == caseId)
        closeCase();
    change([caseId](ProjectStore& store) { return store.removeCase(CaseId{caseId}); });
}

// --- review
// ---------------------------------------------------------------------------------------------------

void Session::moveTo(CaseState state, const QString& comment) {
    if (current_)
        change([id = current_->id, state, person = preferences_.personName().toStdString(),
                comment = comment.toStdString()](ProjectStore& s) {
            return s.setState(id, state, person, comment);
        });
}

void Session::submit() {
    if (!current_)
        return;
    // Who hands a case over has it.
    change([id = current_->id,
            person = preferences_.personName().toStdString()](ProjectStore& store) -> Result<void> {
        if (auto assigned = store.assign(id, person); !assigned)
            return assigned;
        return store.setState(id, CaseState::Submitted, person, {});
    });
}
void Session::approve() {
    moveTo(CaseState::Approved, {});
}
void Session::reopen() {
    moveTo(CaseState::InProgress, {});
}

void Session::reject(const QString& reason) {
    if (reason.trimmed().isEmpty())
        notices_.add(NoticeList::Failure, tr("Say why the case is rejected, so that it can be corrected."));
    else
        moveTo(CaseState::Rejected, reason.trimmed());
}

bool Session::canReopen() const {
    return current_ && (current_->state == CaseState::Submitted || current_->state == CaseState::Approved ||
                        current_->state == CaseState::Rejected);
}

QString Session::caseComment() const {
    const bool matters =
        current_ && (current_->state == CaseState::Rejected || current_->state == CaseState::InProgress);
    return matters ? QString::fromStdString(current_->lastComment) : QString();
}

// --- the rest
// -------------------------------------------------------------------------------------------------

void Session::rememberModel(const QString& file) {
    models_.setProjectDefault(toPath(file));
    change([file = file.toStdString()](ProjectStore& store) { return store.putSetting(modelSetting, file); });
}

void Session::setOpening(const QString& what) {
    if (what == openingText_)
        return;
    openingText_ = what;
    Q_EMIT openingChanged();
}

void Session::fail(const Error& error) {
    notices_.add(error);
}

} // namespace tandem
