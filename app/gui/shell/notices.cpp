#include "app/gui/shell/notices.h"

#include <QtCore/QTime>

namespace tandem {

void NoticeList::add(Kind kind, const QString& text, const QString& details) {
    beginInsertRows({}, count(), count());
    notices_.push_back({kind, text, details, QTime::currentTime().toString(QStringLiteral("HH:mm:ss"))});
    endInsertRows();
    ++unread_;
    Q_EMIT changed();
}

void NoticeList::add(const Error& error, const QString& what) {
    if (error.code == ErrorCode::Cancelled)
        return;
    // A sentence may be followed by lines of detail (keys of a model, files of a folder).
    const QString all = QString::fromStdString(error.sentence);
    const qsizetype lineEnd = all.indexOf(QLatin1Char('\n'));
    const QString sentence = lineEnd < 0 ? all : all.left(lineEnd);
    const QString details = lineEnd < 0 ? QString() : all.mid(lineEnd + 1);
    add(Failure, what.isEmpty() ? sentence : what + QLatin1Char(' ') + sentence, details);
}

void NoticeList::dismiss() {
    unread_ = 0;
    Q_EMIT changed();
}

/// The newest of the gravest that came since the banner was dismissed.
const NoticeList::Notice& NoticeList::inBanner() const {
    auto shown = notices_.end() - unread_;
    for (auto it = shown; it != notices_.end(); ++it)
        if (it->kind >= shown->kind)
            shown = it;
    return *shown;
}

QVariant NoticeList::data(const QModelIndex& at, int role) const {
    if (!at.isValid() || at.row() < 0 || at.row() >= count())
        return {};
    const Notice& notice = notices_[static_cast<std::size_t>(at.row())];
    switch (role) {
    case TextRole:
        return notice.text;
    case DetailsRole:
        return notice.details;
    case KindRole:
        return notice.kind;
    case TimeRole:
        return notice.time;
    default:
        return {};
    }
}

QHash<int, QByteArray> NoticeList::roleNames() const {
    return {{TextRole, "text"}, {DetailsRole, "details"}, {KindRole, "kind"}, {TimeRole, "time"}};
}

} // namespace tandem
