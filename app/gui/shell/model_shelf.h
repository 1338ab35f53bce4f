#pragma once

#include "app/models.h"

#include <QtCore/QAbstractListModel>
#include <QtCore/QUrl>
#include <QtCore/QVariantList>
#include <QtQml/qqmlregistration.h>

#include <filesystem>
#include <functional>
#include <vector>

namespace tandem {

class JobList;
class ModelChooser;

/// The models on this machine, for the Models page: which there are, which one is in use, how fast they are;
/// import, remove, measure. Everything that reads or writes runs on the job pool. Thread: GUI.
class ModelShelf : public QAbstractListModel {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    Q_PROPERTY(int count READ count NOTIFY changed FINAL)
    /// The row that the page tells more about; stays with its model when the list changes.
    Q_PROPERTY(int selected READ selected WRITE select NOTIFY changed FINAL)
    Q_PROPERTY(bool projectOpen READ projectOpen NOTIFY changed FINAL)
    /// What is being imported, or nothing.
    Q_PROPERTY(QString importing READ importing NOTIFY changed FINAL)
    /// The row whose speed is being measured, or -1.
    Q_PROPERTY(int measuring READ measuring NOTIFY changed FINAL)
    Q_PROPERTY(QString measuringName READ measuringName NOTIFY changed FINAL)
    /// What went wrong last, a sentence; empty once something else is begun.
    Q_PROPERTY(QString problem READ problem NOTIFY changed FINAL)
    Q_PROPERTY(QString folder READ folder CONSTANT FINAL)
    /// Objects with name, file, size, prompts, licence and page: published checkpoints.
    Q_PROPERTY(QVariantList known READ known CONSTANT FINAL)

public:
    enum Role {
        TitleRole = Qt::UserRole,
        SummaryRole, ///< "DB-SAM (paper), 1.10 M parameters, 4.4 MB, boxes and points"
        FileRole,
        OriginRole,
        ProblemRole,
        CardRole,
        SpeedRole,        ///< "96 ms per box", or empty
        SpeedDetailsRole, ///< all figures and what they were measured with
        InUseRole,
        DefaultRole, ///< of the open project
        RemovableRole
    };

    ModelShelf(JobList&, ModelChooser&, std::function<Result<InferenceLibrary*>()> library,
               std::filesystem::path bundledModel, QObject* parent = nullptr);

    /// The open project (empty: none) and the model file that it remembers (empty: the bundled one).
    void setProject(const std::filesystem::path& project, const std::filesystem::path& remembered);
    /// Another default was written into the project.
    void setProjectDefault(const std::filesystem::path& remembered);

    /// Looks again at what there is.
    Q_INVOKABLE void refresh();
    /// Takes a model into use, until another one is.
    Q_INVOKABLE void use(int row);
    /// Takes it into use, now and whenever the open project is opened.
    Q_INVOKABLE void makeDefault(int row);
    Q_INVOKABLE void measure(int row);
    Q_INVOKABLE void stopMeasuring();
    Q_INVOKABLE void importFiles(const QList<QUrl>&);
    void importPaths(const QStringList&);
    Q_INVOKABLE void stopImporting();
    /// Deletes a file of the models folder; the bundled model takes its place if it is in use.
    Q_INVOKABLE void remove(int row);

    int count() const { return static_cast<int>(models_.size()); }
    int selected() const { return rowOf(selected_); }
    void select(int row);
    bool projectOpen() const { return !project_.empty(); }
    QString importing() const { return importing_; }
    int measuring() const { return rowOf(measuring_); }
    QString measuringName() const;
    QString problem() const { return problem_; }
    QString folder() const;
    QVariantList known() const;

    int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : count(); }
    QVariant data(const QModelIndex&, int role) const override;
    QHash<int, QByteArray> roleNames() const override;

Q_SIGNALS:
    void changed();

private:
    bool has(int row) const { return row >= 0 && row < count(); }
    int rowOf(const std::filesystem::path&) const;
    bool inUse(const ListedModel&) const;
    bool isDefault(const ListedModel&) const;
    void take(std::vector<ListedModel>);
    void takeImported(const Result<std::vector<ImportedModel>>&);
    void noteUse();
    void say(const QString& problem);
    void touch();

    JobList& jobs_;
    ModelChooser& model_;
    std::function<Result<InferenceLibrary*>()> library_;
    std::filesystem::path bundled_, project_, remembered_;
    std::vector<ListedModel> models_;
    std::filesystem::path selected_, measuring_;
    QString importing_, problem_;
    int importJob_ = 0, measureJob_ = 0;
};

} // namespace tandem
