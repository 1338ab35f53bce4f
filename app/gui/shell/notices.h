#pragma once

#include "core/result.h"

#include <QtCore/QAbstractListModel>
#include <QtQml/qqmlregistration.h>

#include <vector>

namespace tandem {

/// What the window has to say: errors and warnings, in sentences. The newest of the gravest is shown in
/// the banner until it is dismissed; all are kept for the list of messages until the program ends. Thread:
/// GUI.
class NoticeList : public QAbstractListModel {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    Q_PROPERTY(bool shown READ shown NOTIFY changed FINAL)
    Q_PROPERTY(QString text READ text NOTIFY changed FINAL)
    Q_PROPERTY(QString details READ details NOTIFY changed FINAL)
    Q_PROPERTY(Kind kind READ kind NOTIFY changed FINAL)
    Q_PROPERTY(int count READ count NOTIFY changed FINAL)
    /// How many came since the banner was last dismissed, the shown one included.
    Q_PROPERTY(int unread READ unread NOTIFY changed FINAL)

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

    bool shown() const { return unread_ > 0; }
    QString text() const { return shown() ? inBanner().text : QString(); }
    QString details() const { return shown() ? inBanner().details : QString(); }
    Kind kind() const { return shown() ? inBanner().kind : Info; }
    int unread() const { return unread_; }
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
    const Notice& inBanner() const;

    std::vector<Notice> notices_;
    int unread_ = 0;
};

} // namespace tandem
