#include "app/gui/shell/learner.h"

#include "app/gui/shell/jobs.h"
#include "app/gui/shell/model_chooser.h"

#include <QtCore/QFile>
#include <QtCore/QUrl>
#include <QtCore/QVariantMap>
#include <sys/resource.h>

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds lookEvery{500};
constexpr std::int64_t mostParameters = 20'000'000; // more would take hours on a processor

// Runs `work` on a thread of the lowest priority: the person comes first. A thread of the pool would keep
// that priority for its next job.
template <class Work>
auto atLowPriority(const Work& work) {
    std::optional<decltype(work())> answer;
    std::thread([&] {
        ::setpriority(PRIO_PROCESS, 0, 19); // on Linux of this thread and those that it starts
        answer.emplace(work());
    }).join();
    return *std::move(answer);
}

// Columns of a CSV that the trainer writes; rows that are being written are left out.
QVariantList pointsOf(const fs::path& file, const QByteArray& x, const QByteArray& y,
                      const QByteArray& only) {
    QFile csv(QString::fromStdString(file.string()));
    if (!csv.open(QIODevice::ReadOnly))
        return {};
    const QList<QByteArray> head = csv.readLine().trimmed().split(',');
    const qsizetype atX = head.indexOf(x), atY = head.indexOf(y);
    QVariantList points;
    while (atX >= 0 && atY >= 0 && !csv.atEnd()) {
        const QByteArray line = csv.readLine();
        const QList<QByteArray> cells = line.trimmed().split(',');
        if (line.endsWith('\n') && cells.size() == head.size() && (only.isEmpty() || cells.contains(only)))
            points << QPointF(cells[atX].toDouble(), cells[atY].toDouble());
    }
    return points;
}

// The first "run N" that does not exist. Runs that were cut off go: they hold slices of patients.
fs::path newRun(const fs::path& folder) {
    std::error_code problem;
    std::vector<fs::path> cutOff;
    for (const auto& entry : fs::directory_iterator(folder, problem))
        if (fs::exists(entry.path() / "project-pack", problem))
            cutOff.push_back(entry.path());
    for (const fs::path& run : cutOff)
        fs::remove_all(run, problem);
    for (int n = 1;; ++n)
        if (fs::path run = folder / ("run " + std::to_string(n)); !fs::exists(run, problem))
            return run;
}

} // namespace

struct Learner::Shared {
    std::mutex guard;
    double fraction = -1;
    std::string sentence;
};

Learner::Learner(JobList& jobs, ModelChooser& model, const ImageReader& reader,
                 std::function<Result<InferenceLibrary*>()> library, fs::path bundledModel, QObject* parent)
    : QObject(parent), jobs_(jobs), model_(model), reader_(reader), library_(std::move(library)),
      bundledModel_(std::move(bundledModel)) {
    watch_.setInterval(lookEvery);
    connect(&watch_, &QTimer::timeout, this, &Learner::look);
    connect(&model_, &ModelChooser::changed, this, &Learner::changed);
    connect(&model_, &ModelChooser::loaded, this, &Learner::startIfDue);
}

Learner::~Learner() {
    std::error_code problem;
    if (state_ == Running) // the session has ended its job
        fs::remove_all(run_, problem);
}

void Learner::setProject(std::shared_ptr<ProjectStore> store, int approvedCount) {
    if (store != store_) {
        stop();
        forgetRun();
    }
    store_ = std::move(store);
    approvedCount_ = approvedCount;
    schedule_ = {0, 0};
    if (store_)
        if (const auto schedule = learningSchedule(*store_, approvedCount_))
            schedule_ = *schedule;
    startIfDue();
    Q_EMIT changed();
}

void Learner::setEvery(int cases) {
    if (!store_ || cases == schedule_.every || !setLearningEvery(*store_, cases))
        return;
    schedule_.every = cases;
    startIfDue();
    Q_EMIT changed();
}

// Waits for the model in use: else it would start from another one.
void Learner::startIfDue() {
    const bool answerAwaited = offered() && !answered_;
    const bool free = state_ != Running && !answerAwaited && model_.state() == ModelChooser::Ready;
    if (!free || !store_ || !schedule_.isDue(approvedCount_))
        return;
    byItself_ = true;
    begin();
}

void Learner::forgetRun() {
    state_ = Idle;
    shared_.reset();
    watch_.stop();
    report_.clear();
    losses_.clear();
    scores_.clear();
    table_.clear();
    offered_ = answered_ = false;
    fraction_ = -1;
    learnt_.clear();
    jobs_.setNote({});
}

fs::path Learner::startModel() const {
    const auto& info = model_.info();
    return info && info->parameters <= mostParameters ? info->path : bundledModel_;
}

bool Learner::startsFromBundled() const {
    return model_.info() && model_.info()->parameters > mostParameters;
}

QString Learner::startName() const {
    return startsFromBundled() ? tr("the bundled model") : model_.name();
}

fs::path Learner::learningFolder() const {
    return store_->path().parent_path() / (store_->path().stem().string() + " learning");
}

void Learner::start() {
    if (state_ == Running || !store_ || startModel().empty())
        return;
    byItself_ = false;
    begin();
}

void Learner::begin() {
    forgetRun();
    schedule_.counted = approvedCount_;
    (void)noteLearning(*store_, approvedCount_); // a store that fails says so where it matters
    state_ = Running;
    startedFrom_ = startModel();
    run_ = newRun(learningFolder());
    shared_ = std::make_shared<Shared>();
    LearningRequest request;
    request.startFrom = startedFrom_;
    request.out = run_;
    std::error_code problem;
    if (const fs::path own = learningFolder() / "recipe.json"; fs::exists(own, problem))
        request.config = own;
    job_ = jobs_.start<Lesson>(
        tr("Learning from approved cases"),
        [store = store_, reader = &reader_, library = library_, request,
         shared = shared_](const JobControl& control) -> Result<Lesson> {
            const auto opened = library();
            if (!opened)
                return opened.error();
            const Progress progress = [&](double done, std::string_view sentence) {
                control.progress(done, sentence);
                const std::lock_guard lock(shared->guard);
                shared->fraction = done;
                shared->sentence = sentence;
            };
            return atLowPriority(
                [&] { return learnFromProject(*reader, *store, **opened, request, progress, control.stop); });
        },
        this,
        [this, shared = shared_](const Result<Lesson>& lesson) {
            if (shared == shared_) // else another project was opened meanwhile
                take(lesson);
        });
    watch_.start();
    Q_EMIT changed();
    Q_EMIT watched();
}

void Learner::stop() {
    if (state_ == Running)
        jobs_.cancel(job_);
}

void Learner::look() {
    losses_ = pointsOf(run_ / "log.csv", "samples", "loss", {});
    scores_ = pointsOf(run_ / "validation.csv", "samples", "dsc_tight", "all");
    if (shared_) {
        const std::lock_guard lock(shared_->guard);
        fraction_ = shared_->fraction;
        sentence_ = QString::fromStdString(shared_->sentence);
    }
    Q_EMIT watched();
}

void Learner::take(const Result<Lesson>& lesson) {
    look();
    watch_.stop();
    std::error_code problem;
    fs::remove_all(run_ / "project-pack", problem); // slices of patients: not left lying about
    fs::remove(run_ / "state.safetensors", problem);
    if (lesson) {
        state_ = Done;
        learnt_ = lesson->model;
        offered_ = lesson->offered();
        if (lesson->replay)
            takeReplay(*lesson->replay);
        else
            report_ = tr("The model has learnt, but could not be scored: %1")
                          .arg(QString::fromStdString(lesson->notScored));
    } else {
        state_ = lesson.error().code == ErrorCode::Cancelled ? Idle : Failed;
        report_ = state_ == Idle ? tr("Stopped. The model in use has not changed.")
                                 : QString::fromStdString(lesson.error().sentence);
        fs::remove_all(run_, problem);
    }
    if (byItself_) { // else its table is still to be looked at
        finishByItself();
        startIfDue();
    }
    Q_EMIT changed();
}

// Of a run that nobody asked for, only a better model is worth a word, and a file.
void Learner::finishByItself() {
    if (offered())
        return jobs_.setNote(tr("A better model was learnt from %1 cases: Model > Learn from this project")
                                 .arg(schedule_.counted));
    std::error_code problem;
    fs::remove_all(run_, problem);
    if (state_ != Done)
        return;
    state_ = Idle;
    report_ = tr("Learnt by itself from %1 approved cases: %2").arg(schedule_.counted).arg(report_);
}

void Learner::takeReplay(const ReplayReport& replay) {
    struct Sum {
        int cases = 0;
        double before = 0, after = 0;
    };
    std::map<std::string, Sum> structures;
    for (const ReplayRow& row : replay.rows) {
        Sum& sum = structures[row.name];
        ++sum.cases;
        sum.before += row.dsc.front();
        sum.after += row.dsc.back();
    }
    for (const auto& [name, sum] : structures)
        table_ << QVariantMap{{QStringLiteral("structure"), QString::fromStdString(name)},
                              {QStringLiteral("cases"), sum.cases},
                              {QStringLiteral("before"), sum.before / sum.cases},
                              {QStringLiteral("after"), sum.after / sum.cases}};
    before_ = replay.means().front();
    after_ = replay.means().back();
    report_ =
        offered_ ? tr("The new model is better on the cases that it has not learnt from.")
        : after_ > before_
            ? tr("Better on average, but worse on at least one structure. Better keep the model in use.")
            : tr("Not better on the cases that it has not learnt from. Better keep the model "
                 "in use.");
}

bool Learner::adopted() const {
    return state_ == Done && model_.info() && model_.info()->path == learnt_;
}

void Learner::adopt() {
    answered_ = true;
    jobs_.setNote({});
    if (state_ == Done)
        model_.chooseFile(QUrl::fromLocalFile(QString::fromStdString(learnt_.string())));
}

void Learner::goBack() {
    answered_ = true;
    if (startedFrom_ == bundledModel_)
        model_.useBundled();
    else
        model_.chooseFile(QUrl::fromLocalFile(QString::fromStdString(startedFrom_.string())));
}

} // namespace tandem
