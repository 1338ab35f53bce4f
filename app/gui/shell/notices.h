#pragma once

#include "core/result.h"

#include <QtCore/QAbstractListModel>
#include <QtQml/qqmlregistration.h>

#include <vector>

namespace tandem {

/// What the window has to say: errors and warnings, in sentences. The newest is shown in the banner until it
/// is dismissed; all are kept for the list of messages until the program ends. Thread: GUI.
class NoticeList : public QAbstractListModel {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    Q_PROPERTY(bool shown READ shown NOTIFY changed FINAL)
    Q_PROPERTY(QString text READ text NOTIFY changed FINAL)
    Q_PROPERTY(QString details READ details NOTIFY changed FINAL)
    Q_PROPERTY(Kind kind READ kind NOTIFY changed FINAL)
    Q_PROPERTY(int count READ count NOTIFY changed FINAL)

public:
    enum Kind { Info, Warning, Failure };
    Q_ENUM(Kind)
    enum Role { TextRole = Qt::UserRole, DetailsRole, KindRole, TimeRole };

    using QAbstractListModel::QAbstractListModel;

    /// Shows a sentence, with further lines behind "Details".
    void add(Kind, const QString& text, const QString& details = {});
    /// Shows an Error; Cancelled is no failure and is not shown. `what` says what was being done, and comes
    /// first.
    void add(const Error&, const QString& what = {});
    Q_INVOKABLE void dismiss();

    bool shown() const { return shown_; }
    QString text() const { return notices_.empty() ? QString() : notices_.back().text; }
    QString details() const { return notices_.empty() ? QString() : notices_.back().details; }
    Kind kind() const { return notices_.empty() ? Info : notices_.back().kind; }
    int count() const { return static_cast<int>(notices_.size()); }

    int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : count(); }
    QVariant data(const QModelIndex&, int role) const override;
    QHash<int, QByteArray> roleNames() const override;

Q_SIGNALS:
    void changed();

private:
    struct Notice {
        Kind kind = Info;
        QString text, details, time;
    };
    std::vector<Notice> notices_;
    bool shown_ = false;
};

} // namespace tandem
