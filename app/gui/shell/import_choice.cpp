#include "app/gui/shell/import_choice.h"

#include <algorithm>

namespace tandem {

namespace {

// A series goes by its description; a file by its name first, which is what tells it from its neighbours.
QString nameOf(const ImageEntry& entry) {
    const std::string file = entry.path.filename().string();
    if (entry.seriesKey.empty() && !entry.description.empty())
        return QString::fromStdString(file + ": " + entry.description);
    return QString::fromStdString(entry.description.empty() ? file : entry.description);
}

} // namespace

bool ImportChoice::isNeeded(const std::vector<ImageEntry>& entries) {
    const bool severalSeries = std::any_of(entries.begin(), entries.end(), [&](const ImageEntry& e) {
        return !e.seriesKey.empty() && entries.size() > 1;
    });
    return severalSeries ||
           std::any_of(entries.begin(), entries.end(), [](const ImageEntry& e) { return e.frames > 1; });
}

void ImportChoice::offer(std::vector<ImageEntry> entries) {
    beginResetModel();
    rows_.clear();
    for (ImageEntry& entry : entries)
        rows_.push_back({{std::move(entry), 0}, true});
    endResetModel();
    Q_EMIT changed();
}

std::vector<ImportChoice::Wish> ImportChoice::ticked() const {
    std::vector<Wish> wishes;
    for (const Row& row : rows_)
        if (row.ticked)
            wishes.push_back(row.wish);
    return wishes;
}

void ImportChoice::setTicked(int row, bool ticked) {
    if (row < 0 || row >= count())
        return;
    rows_[static_cast<std::size_t>(row)].ticked = ticked;
    Q_EMIT dataChanged(index(row), index(row), {TickedRole});
    Q_EMIT changed();
}

void ImportChoice::setFrame(int row, int frame) {
    if (row < 0 || row >= count())
        return;
    Wish& wish = rows_[static_cast<std::size_t>(row)].wish;
    wish.frame = std::clamp<std::int64_t>(frame, 0, wish.entry.frames - 1);
    Q_EMIT dataChanged(index(row), index(row), {FrameRole});
}

void ImportChoice::tickAll(bool ticked) {
    for (Row& row : rows_)
        row.ticked = ticked;
    if (!rows_.empty())
        Q_EMIT dataChanged(index(0), index(count() - 1), {TickedRole});
    Q_EMIT changed();
}

QVariant ImportChoice::data(const QModelIndex& at, int role) const {
    if (!at.isValid() || at.row() < 0 || at.row() >= count())
        return {};
    const Row& row = rows_[static_cast<std::size_t>(at.row())];
    const ImageEntry& entry = row.wish.entry;
    switch (role) {
    case DescriptionRole:
        return nameOf(entry);
    case FileRole:
        return QString::fromStdString(entry.path.string());
    case FramesRole:
        return static_cast<int>(entry.frames);
    case FrameRole:
        return static_cast<int>(row.wish.frame);
    case TickedRole:
        return row.ticked;
    default:
        return {};
    }
}

QHash<int, QByteArray> ImportChoice::roleNames() const {
    return {{DescriptionRole, "description"},
            {FileRole, "file"},
            {FramesRole, "frames"},
            {FrameRole, "frame"},
            {TickedRole, "ticked"}};
}

} // namespace tandem
