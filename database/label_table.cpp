#include "database/label_table.h"

namespace tandem {

Result<std::vector<LabelInfo>> LabelTable::all() {
    std::vector<LabelInfo> labels;
    const auto channel = [](const QVariant& v) { return static_cast<std::uint8_t>(v.toUInt()); };
    const Result<void> read = sql_.each(
        "SELECT number, name, red, green, blue, visible, locked FROM label WHERE label_set_id = 1 ORDER BY "
        "number",
        {}, [&](const QSqlQuery& q) -> Result<void> {
            labels.push_back({LabelId{static_cast<std::uint16_t>(q.value(0).toUInt())}, fromText(q.value(1)),
                              Rgb{channel(q.value(2)), channel(q.value(3)), channel(q.value(4))},
                              q.value(5).toBool(), q.value(6).toBool()});
            return {};
        });
    if (!read)
        return read.error();
    return labels;
}

Result<void> LabelTable::put(const LabelInfo& label) {
    if (label.id.value == 0)
        return Error{ErrorCode::InvalidArgument,
                     "Label 0 is the background; a label needs a number from 1 to 65535."};
    return sql_.run(
        "INSERT OR REPLACE INTO label (label_set_id, number, name, red, green, blue, visible, locked) "
        "VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
        {uint(label.id.value), toText(label.name), uint(label.colour.r), uint(label.colour.g),
         uint(label.colour.b), int(label.visible), int(label.locked)});
}

Result<void> LabelTable::remove(LabelId id) {
    return sql_.run("DELETE FROM label WHERE label_set_id = 1 AND number = ?", {uint(id.value)});
}

Result<std::optional<std::string>> LabelTable::setting(const std::string& key) {
    const auto found = sql_.value("SELECT value FROM setting WHERE key = ?", {toText(key)});
    if (!found)
        return found.error();
    return *found ? std::optional(fromText(**found)) : std::nullopt;
}

Result<void> LabelTable::putSetting(const std::string& key, const std::string& value) {
    return sql_.run("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)",
                    {toText(key), toText(value)});
}

} // namespace tandem
