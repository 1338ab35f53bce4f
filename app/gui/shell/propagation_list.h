#pragma once

#include "core/usecases/propagate_review.h"

#include <QtCore/QAbstractListModel>
#include <QtQml/qqmlregistration.h>

#include <memory>
#include <vector>

namespace tandem {

class Document;
class JobList;
class ModelChooser;
class NoticeList;

/// Carries the active label from the slices of the active plane that have it to those between and beyond, as
/// a job; writes the result as one edit, where nothing is labelled yet; and lists the slices worth a look.
/// Thread: GUI; the propagation itself runs on the pool.
class PropagationList : public QAbstractListModel {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    Q_PROPERTY(bool running READ running NOTIFY changed FINAL)
    /// Whether there is a result to look through.
    Q_PROPERTY(bool shown READ shown NOTIFY changed FINAL)
    /// "41 slices added, 3 to look at"
    Q_PROPERTY(QString summary READ summary NOTIFY changed FINAL)
    Q_PROPERTY(int count READ count NOTIFY changed FINAL)

public:
    enum Role { SentenceRole = Qt::UserRole, SliceRole };

    PropagationList(Document&, ModelChooser&, JobList&, NoticeList&, QObject* parent = nullptr);

    /// Takes the proposal that is there, then propagates the active label from where it is. Says why where it
    /// cannot.
    Q_INVOKABLE void start();
    Q_INVOKABLE void stop();
    /// Shows the slice of a finding.
    Q_INVOKABLE void goTo(int row);
    /// Closes the list; what was written stays.
    Q_INVOKABLE void dismiss();

    bool running() const { return running_; }
    bool shown() const { return shown_; }
    QString summary() const { return summary_; }
    int count() const { return static_cast<int>(findings_.size()); }

    int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : count(); }
    QVariant data(const QModelIndex&, int role) const override;
    QHash<int, QByteArray> roleNames() const override;

Q_SIGNALS:
    void changed();

private:
    struct Outcome {
        std::shared_ptr<const Propagation> propagation;
        std::vector<SliceFinding> findings;
    };

    bool possible();
    void sayNothingHere();
    void launch();
    void take(const Volume* volume, LabelId, const Result<Outcome>&);
    void forget();

    Document& document_;
    ModelChooser& model_;
    JobList& jobs_;
    NoticeList& notices_;
    std::vector<SliceFinding> findings_;
    QString summary_;
    bool running_ = false, shown_ = false;
    int job_ = 0;
};

} // namespace tandem
