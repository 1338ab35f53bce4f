#pragma once

#include "app/learning.h"
#include "core/usecases/image_reader.h"
#include "core/usecases/learning_schedule.h"

#include <QtCore/QObject>
#include <QtCore/QPointF>
#include <QtCore/QTimer>
#include <QtCore/QVariantList>
#include <QtQml/qqmlregistration.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace tandem {

class JobList;
class ModelChooser;

/// Lets a small model learn from the project's approved cases, as a job at low priority: start, watch, stop,
/// then take the new model or leave it. After every few newly approved cases (see LearningSchedule) it starts
/// by itself, unless it runs or a better model still waits for an answer; a run of its own that brought
/// nothing better leaves nothing behind. No model is ever taken by itself. Runs lie beside the project in
/// "NAME learning". Thread: GUI; the learning itself runs on the pool.
class Learner : public QObject {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    Q_PROPERTY(State state READ state NOTIFY changed FINAL)
    Q_PROPERTY(int approvedCount READ approvedCount NOTIFY changed FINAL)
    /// The model that the run starts from, by name.
    Q_PROPERTY(QString startName READ startName NOTIFY changed FINAL)
    /// Set where the model in use is too large to learn here and the bundled one does.
    Q_PROPERTY(bool startsFromBundled READ startsFromBundled NOTIFY changed FINAL)
    Q_PROPERTY(double fraction READ fraction NOTIFY watched FINAL)
    /// "448 of 2400 samples, loss 0.205, 4 min left"
    Q_PROPERTY(QString sentence READ sentence NOTIFY watched FINAL)
    /// Points (samples seen, loss) of the run.
    Q_PROPERTY(QVariantList losses READ losses NOTIFY watched FINAL)
    /// Points (samples seen, DSC from exact boxes on the cases kept out).
    Q_PROPERTY(QVariantList scores READ scores NOTIFY watched FINAL)
    /// Objects with structure, cases, before and after (mean DSC), one for each structure.
    Q_PROPERTY(QVariantList table READ table NOTIFY changed FINAL)
    Q_PROPERTY(double before READ before NOTIFY changed FINAL)
    Q_PROPERTY(double after READ after NOTIFY changed FINAL)
    /// Whether the new model is worth taking.
    Q_PROPERTY(bool offered READ offered NOTIFY changed FINAL)
    Q_PROPERTY(bool adopted READ adopted NOTIFY changed FINAL)
    /// What came of it or went wrong, a sentence.
    Q_PROPERTY(QString report READ report NOTIFY changed FINAL)
    /// After how many newly approved cases it learns by itself; 0: never.
    Q_PROPERTY(int every READ every WRITE setEvery NOTIFY changed FINAL)
    Q_PROPERTY(int usualEvery READ usualEvery CONSTANT FINAL)

public:
    enum State { Idle, Running, Done, Failed };
    Q_ENUM(State)

    Learner(JobList&, ModelChooser&, const ImageReader&, std::function<Result<InferenceLibrary*>()> library,
            std::filesystem::path bundledModel, QObject* parent = nullptr);
    /// Its job must have ended.
    ~Learner() override;

    /// The project to learn from; a run under way on another one is stopped.
    void setProject(std::shared_ptr<ProjectStore>, int approvedCount);

    Q_INVOKABLE void start();
    Q_INVOKABLE void stop();
    /// Uses the new model in this project.
    Q_INVOKABLE void adopt();
    /// Uses the model again that the run started from.
    Q_INVOKABLE void goBack();

    State state() const { return state_; }
    int approvedCount() const { return approvedCount_; }
    QString startName() const;
    bool startsFromBundled() const;
    double fraction() const { return fraction_; }
    QString sentence() const { return sentence_; }
    QVariantList losses() const { return losses_; }
    QVariantList scores() const { return scores_; }
    QVariantList table() const { return table_; }
    double before() const { return before_; }
    double after() const { return after_; }
    bool offered() const { return state_ == Done && offered_; }
    bool adopted() const;
    QString report() const { return report_; }
    int every() const { return schedule_.every; }
    void setEvery(int cases);
    int usualEvery() const { return LearningSchedule::usually; }

Q_SIGNALS:
    void changed();
    void watched();

private:
    struct Shared;

    std::filesystem::path startModel() const;
    std::filesystem::path learningFolder() const;
    void begin();
    void startIfDue();
    void finishByItself();
    void look();
    void take(const Result<Lesson>&);
    void takeReplay(const ReplayReport&);
    void forgetRun();

    JobList& jobs_;
    ModelChooser& model_;
    const ImageReader& reader_;
    std::function<Result<InferenceLibrary*>()> library_;
    std::filesystem::path bundledModel_, run_, startedFrom_, learnt_;
    std::shared_ptr<ProjectStore> store_;
    std::shared_ptr<Shared> shared_; ///< how far the run is
    QTimer watch_;
    State state_ = Idle;
    int approvedCount_ = 0, job_ = 0;
    double fraction_ = -1, before_ = 0, after_ = 0;
    bool offered_ = false, answered_ = false;
    LearningSchedule schedule_;
    bool byItself_ = false; ///< nobody asked for the last run
    QString sentence_, report_;
    QVariantList losses_, scores_, table_;
};

} // namespace tandem
