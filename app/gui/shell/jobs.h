#pragma once

#include "core/result.h"
#include "core/usecases/job.h"

#include <QtCore/QAbstractListModel>
#include <QtCore/QElapsedTimer>
#include <QtCore/QPointer>
#include <QtCore/QThreadPool>
#include <QtCore/QTimer>
#include <QtQml/qqmlregistration.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// What a worker's function gets: how to say how far it is, and whether it should stop.
struct JobControl {
    Progress progress;
    std::stop_token stop;
};

/// The window's long work, all in one place: a small pool of threads and a list of what they do, for people.
/// Thread: GUI, but for the functions given to start(), which run on the pool.
class JobList : public QAbstractListModel {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    Q_PROPERTY(int count READ count NOTIFY countChanged FINAL)
    /// Mean progress of all jobs, 0..1; negative while no job can say.
    Q_PROPERTY(double fraction READ fraction NOTIFY progressed FINAL)
    /// What the newest job does.
    Q_PROPERTY(QString sentence READ sentence NOTIFY progressed FINAL)
    /// What came of work that nobody waited for, a sentence; stays until it is dismissed.
    Q_PROPERTY(QString note READ note WRITE setNote NOTIFY noteChanged FINAL)

public:
    enum Role { TitleRole = Qt::UserRole, SentenceRole, FractionRole, TimeLeftRole, JobIdRole };

    explicit JobList(QObject* parent = nullptr);
    ~JobList() override;

    /// Runs `work` on the pool; then `done` on the GUI thread if `receiver` still lives.
    /// An empty title is for short work: it is not listed, never waits behind long work, and keeps its order.
    /// Returns the job's number.
    template <class T>
    int start(const QString& title, std::function<Result<T>(const JobControl&)> work, QObject* receiver,
              std::function<void(Result<T>)> done) {
        auto answer = std::make_shared<std::optional<Result<T>>>();
        return startPlain(
            title,
            [answer, work = std::move(work)](const JobControl& control) { answer->emplace(work(control)); },
            [answer, done = std::move(done), target = QPointer<QObject>(receiver)] {
                if (target)
                    done(std::move(**answer));
            });
    }

    /// Asks one job to stop; it answers Cancelled.
    Q_INVOKABLE void cancel(int jobId);
    Q_INVOKABLE void cancelAll();
    /// Asks every job to stop and waits until none runs; answers are not delivered any more.
    void stopAndWait();

    int count() const;
    double fraction() const;
    QString sentence() const;
    QString note() const { return note_; }
    void setNote(const QString&);
    /// Whether any work is under way, listed or not.
    bool isIdle() const { return jobs_.empty(); }

    int rowCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex&, int role) const override;
    QHash<int, QByteArray> roleNames() const override;

Q_SIGNALS:
    void countChanged();
    void progressed();
    void noteChanged();

private:
    /// Written by the worker, read by the GUI's timer.
    struct Shared {
        std::mutex guard;
        double fraction = -1;
        std::string sentence;
    };
    struct Job {
        int id = 0;
        QString title; ///< empty: not listed
        QElapsedTimer since;
        std::stop_source stop;
        std::shared_ptr<Shared> shared;
        double fraction = -1;
        QString sentence;
    };

    int startPlain(const QString& title, std::function<void(const JobControl&)> work,
                   std::function<void()> finish);
    void finish(int id, const std::function<void()>& then);
    void refresh();
    std::vector<const Job*> listed() const;
    int listedRow(int id) const;

    QThreadPool pool_;      ///< long work
    QThreadPool shortPool_; ///< what is not listed: one thread, so in the order of the calls
    QTimer timer_;
    std::vector<std::unique_ptr<Job>> jobs_;
    int lastId_ = 0;
    QString note_;
};

} // namespace tandem
