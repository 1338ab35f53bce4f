#pragma once

#include "core/usecases/segmenter.h"
#include "inference/library.h"

#include <QtCore/QObject>
#include <QtCore/QUrl>
#include <QtQml/qqmlregistration.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

namespace tandem {

class JobList;

/// The network in use: loads the inference library and a model file off the GUI thread, tells people what it
/// is, and keeps the old model when a new file is refused. Thread: GUI.
class ModelChooser : public QObject {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    Q_PROPERTY(State state READ state NOTIFY changed FINAL)
    Q_PROPERTY(QString name READ name NOTIFY changed FINAL)
    Q_PROPERTY(QString description READ description NOTIFY changed FINAL)
    Q_PROPERTY(QString variant READ variant NOTIFY changed FINAL)
    Q_PROPERTY(QString prompts READ prompts NOTIFY changed FINAL)
    Q_PROPERTY(QString size READ size NOTIFY changed FINAL)
    Q_PROPERTY(QString idShort READ idShort NOTIFY changed FINAL)
    Q_PROPERTY(QString file READ file NOTIFY changed FINAL)
    Q_PROPERTY(QString card READ card NOTIFY changed FINAL)
    Q_PROPERTY(bool bundled READ bundled NOTIFY changed FINAL)
    Q_PROPERTY(bool hasBundled READ hasBundled CONSTANT FINAL)
    /// Name of the file that is being loaded.
    Q_PROPERTY(QString loadingName READ loadingName NOTIFY changed FINAL)
    /// Why the last file was refused, in words; empty when it was not. The first line is a sentence.
    Q_PROPERTY(QString problem READ problem NOTIFY changed FINAL)

public:
    enum State {
        Waiting,    ///< not asked for yet
        Loading,    ///< library or model on its way; the model before it stays in use
        Ready,      ///< a model is in use
        NoModel,    ///< the network's thread runs, but no model could be loaded
        Unavailable ///< the inference library is missing
    };
    Q_ENUM(State)

    /// @param library loads the inference library (any thread; slow the first time)
    ModelChooser(JobList&, std::function<Result<InferenceLibrary*>()> library,
                 std::filesystem::path bundledModel, QObject* parent = nullptr);
    /// Jobs must have ended: they use the segmenter.
    ~ModelChooser() override;

    /// Loads library and model for the first time; later calls change nothing.
    void start();
    /// What a project wants: its remembered file, or the bundled model for an empty path.
    void useForProject(const std::filesystem::path&);

    /// Uses a model now and whenever the open project is opened.
    Q_INVOKABLE void chooseFile(const QUrl&);
    Q_INVOKABLE void useBundled();
    void useInProject(const std::filesystem::path&);
    /// Uses a model until another one is chosen or another project is opened.
    void useFile(const std::filesystem::path&);

    Segmenter* segmenter() const { return segmenter_.get(); }
    const std::optional<ModelInfo>& info() const { return info_; }

    State state() const;
    QString name() const;
    QString description() const;
    QString variant() const;
    QString prompts() const;
    QString size() const;
    QString idShort() const;
    QString file() const;
    QString card() const;
    bool bundled() const;
    bool hasBundled() const { return !bundledModel_.empty(); }
    QString loadingName() const;
    QString problem() const { return problem_; }

Q_SIGNALS:
    void changed();
    /// The network's thread runs; it has a model once `state` is Ready.
    void segmenterReady(tandem::Segmenter*);
    /// Another model is in use.
    void loaded();
    /// The person chose a model for the project (empty: the bundled one) and it was loaded.
    void chosen(const QString& file);
    void failed(const tandem::Error&);

private:
    /// Who wants a model: the project that is opened, a person for now, or a person for the project.
    enum class Wish { OfProject, ForNow, ForProject };
    void load(const std::filesystem::path&, Wish);
    void loadNext();
    void loadSketch();
    void libraryOpened(Result<std::shared_ptr<Segmenter>>);
    void modelLoaded(const std::filesystem::path&, Wish, Result<ModelInfo>);
    void refused(const std::filesystem::path&, Wish, Error);

    struct Wanted {
        std::filesystem::path file;
        Wish wish = Wish::OfProject;
    };

    JobList& jobs_;
    std::function<Result<InferenceLibrary*>()> library_;
    std::filesystem::path bundledModel_;
    std::shared_ptr<Segmenter> segmenter_;
    std::optional<ModelInfo> info_;
    std::optional<Wanted> wanted_; ///< to be loaded when what is under way has ended
    std::filesystem::path loading_;
    QString problem_;
    bool started_ = false, busy_ = false, unavailable_ = false, sketchAsked_ = false;
};

} // namespace tandem
