#include "app/gui/shell/jobs.h"

#include <QtCore/QCoreApplication>
#include <QtCore/QEvent>

#include <algorithm>
#include <chrono>
#include <exception>

namespace tandem {

namespace {

constexpr int poolThreads = 2;
constexpr std::chrono::milliseconds refreshEvery{100};
/// No time is foretold before this much is known.
constexpr double leastFractionForForecast = 0.05;

QString timeLeft(double fraction, qint64 elapsedMs) {
    if (fraction < leastFractionForForecast || elapsedMs < 1000)
        return {};
    const auto seconds =
        static_cast<qint64>(static_cast<double>(elapsedMs) * (1 - fraction) / fraction / 1000) + 1;
    return seconds < 60 ? JobList::tr("%1 s left").arg(seconds)
                        : JobList::tr("%1 min left").arg((seconds + 59) / 60);
}

} // namespace

JobList::JobList(QObject* parent) : QAbstractListModel(parent) {
    pool_.setMaxThreadCount(poolThreads);
    shortPool_.setMaxThreadCount(1);
    timer_.setInterval(refreshEvery);
    connect(&timer_, &QTimer::timeout, this, &JobList::refresh);
}

JobList::~JobList() {
    stopAndWait();
}

void JobList::stopAndWait() {
    cancelAll();
    pool_.waitForDone();
    shortPool_.waitForDone();
    // Their answers lie in the event queue, and hold what they would have delivered.
    QCoreApplication::removePostedEvents(this, QEvent::MetaCall);
}

int JobList::startPlain(const QString& title, std::function<void(const JobControl&)> work,
                        std::function<void()> finish) {
    auto job = std::make_unique<Job>();
    job->id = ++lastId_;
    job->title = title;
    job->shared = std::make_shared<Shared>();
    job->since.start();
    const int id = job->id;
    auto progress = [shared = job->shared](double fraction, std::string_view sentence) {
        const std::lock_guard lock(shared->guard);
        shared->fraction = fraction;
        shared->sentence = sentence;
    };
    const JobControl control{progress, job->stop.get_token()};
    const int row = count();
    if (!title.isEmpty())
        beginInsertRows({}, row, row);
    jobs_.push_back(std::move(job));
    if (!title.isEmpty()) {
        endInsertRows();
        timer_.start();
        Q_EMIT countChanged();
        Q_EMIT progressed();
    }
    // The pool is emptied before this object goes (see the destructor), so `this` outlives the worker's
    // function.
    pool_.start([this, id, control, work = std::move(work), finish = std::move(finish)] {
        work(control);
        QMetaObject::invokeMethod(
            this, [this, id, finish] { this->finish(id, finish); }, Qt::QueuedConnection);
    });
    return id;
}

void JobList::finish(int id, const std::function<void()>& then) {
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), [id](const auto& j) { return j->id == id; });
    if (found == jobs_.end())
        return;
    const int row = listedRow(id);
    if (row >= 0)
        beginRemoveRows({}, row, row);
    jobs_.erase(found);
    if (row >= 0) {
        endRemoveRows();
        Q_EMIT countChanged();
        Q_EMIT progressed();
    }
    if (count() == 0)
        timer_.stop();
    then();
}

void JobList::setNote(const QString& note) {
    if (note == note_)
        return;
    note_ = note;
    Q_EMIT noteChanged();
}

void JobList::refresh() {
    for (const auto& job : jobs_) {
        const std::lock_guard lock(job->shared->guard);
        job->fraction = job->shared->fraction;
        job->sentence = QString::fromStdString(job->shared->sentence);
    }
    if (const int rows = count(); rows > 0)
        Q_EMIT dataChanged(index(0), index(rows - 1));
    Q_EMIT progressed();
}

void JobList::cancel(int jobId) {
    for (const auto& job : jobs_)
        if (job->id == jobId)
            job->stop.request_stop();
}

void JobList::cancelAll() {
    for (const auto& job : jobs_)
        job->stop.request_stop();
}

std::vector<const JobList::Job*> JobList::listed() const {
    std::vector<const Job*> shown;
    for (const auto& job : jobs_)
        if (!job->title.isEmpty())
            shown.push_back(job.get());
    return shown;
}

int JobList::listedRow(int id) const {
    const auto shown = listed();
    for (std::size_t row = 0; row < shown.size(); ++row)
        if (shown[row]->id == id)
            return static_cast<int>(row);
    return -1;
}

int JobList::count() const {
    return static_cast<int>(listed().size());
}

double JobList::fraction() const {
    double sum = 0;
    int known = 0;
    for (const Job* job : listed())
        if (job->fraction >= 0) {
            sum += job->fraction;
            ++known;
        }
    return known == 0 ? -1 : sum / known;
}

QString JobList::sentence() const {
    const auto shown = listed();
    if (shown.empty())
        return {};
    return shown.back()->sentence.isEmpty() ? shown.back()->title : shown.back()->sentence;
}

int JobList::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : count();
}

QVariant JobList::data(const QModelIndex& at, int role) const {
    const auto shown = listed();
    if (!at.isValid() || at.row() < 0 || static_cast<std::size_t>(at.row()) >= shown.size())
        return {};
    const Job& job = *shown[static_cast<std::size_t>(at.row())];
    switch (role) {
    case TitleRole:
        return job.title;
    case SentenceRole:
        return job.sentence;
    case FractionRole:
        return job.fraction;
    case TimeLeftRole:
        return timeLeft(job.fraction, job.since.elapsed());
    case JobIdRole:
        return job.id;
    default:
        return {};
    }
}

QHash<int, QByteArray> JobList::roleNames() const {
    return {{TitleRole, "title"},
            {SentenceRole, "sentence"},
            {FractionRole, "fraction"},
            {TimeLeftRole, "timeLeft"},
            {JobIdRole, "jobId"}};
}

} // namespace tandem
