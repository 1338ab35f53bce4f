#include "database/prompt_table.h"

namespace tandem {

Result<void> PromptTable::add(LayerId layer, const PromptRecord& record) {
    return sql_.transaction([&] { return insert(layer, record); });
}

Result<void> PromptTable::insert(LayerId layer, const PromptRecord& record) {
    Binds binds{qlonglong(layer.value), int(record.slice.plane), qlonglong(record.slice.index),
                uint(record.label.value)};
    if (const auto& box = record.prompts.box)
        binds << box->x0 << box->y0 << box->x1 << box->y1;
    else
        binds << QVariant() << QVariant() << QVariant() << QVariant();
    binds << nowUtc();
    auto prompt =
        sql_.insert("INSERT INTO prompt (layer_id, plane, slice, label, box_x0, box_y0, box_x1, box_y1, at) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    binds);
    if (!prompt)
        return prompt.error();
    int number = 0;
    for (const PointPrompt& p : record.prompts.points)
        if (Result<void> put = insertPoint(*prompt, number++, p); !put)
            return put;
    return sql_.run(
        "INSERT INTO proposal (prompt_id, model_id, predicted_iou, accepted) VALUES (?, ?, ?, ?)",
        {qlonglong(*prompt), toText(record.modelId), double(record.predictedIou), int(record.accepted)});
}

Result<void> PromptTable::insertPoint(std::int64_t promptId, int number, const PointPrompt& p) {
    Result<void> put =
        sql_.run("INSERT INTO prompt_point (prompt_id, number, x, y, foreground) VALUES (?, ?, ?, ?, ?)",
                 {qlonglong(promptId), number, p.at[0], p.at[1], int(p.foreground)});
    int step = 0;
    for (const Point<SlicePx>& at : p.along)
        if (put)
            put = sql_.run("INSERT INTO prompt_along (prompt_id, number, step, x, y) VALUES (?, ?, ?, ?, ?)",
                           {qlonglong(promptId), number, step++, at[0], at[1]});
    return put;
}

Result<std::vector<PointPrompt>> PromptTable::points(std::int64_t promptId) {
    std::vector<PointPrompt> points;
    const Result<void> read =
        sql_.each("SELECT x, y, foreground, number FROM prompt_point WHERE prompt_id = ? ORDER BY number",
                  {qlonglong(promptId)}, [&](const QSqlQuery& q) -> Result<void> {
                      auto rest = along(promptId, q.value(3).toInt());
                      if (!rest)
                          return rest.error();
                      points.push_back({Point<SlicePx>{{q.value(0).toDouble(), q.value(1).toDouble()}},
                                        q.value(2).toBool(), std::move(*rest)});
                      return {};
                  });
    if (!read)
        return read.error();
    return points;
}

Result<std::vector<Point<SlicePx>>> PromptTable::along(std::int64_t promptId, int number) {
    std::vector<Point<SlicePx>> along;
    const Result<void> read =
        sql_.each("SELECT x, y FROM prompt_along WHERE prompt_id = ? AND number = ? ORDER BY step",
                  {qlonglong(promptId), number}, [&](const QSqlQuery& q) -> Result<void> {
                      along.push_back({{q.value(0).toDouble(), q.value(1).toDouble()}});
                      return {};
                  });
    if (!read)
        return read.error();
    return along;
}

Result<std::vector<PromptRecord>> PromptTable::all(LayerId layer) {
    std::vector<PromptRecord> records;
    const Result<void> read = sql_.each(
        "SELECT p.id, p.plane, p.slice, p.label, p.box_x0, p.box_y0, p.box_x1, p.box_y1, a.model_id, "
        "a.predicted_iou, "
        "a.accepted FROM prompt p JOIN proposal a ON a.prompt_id = p.id WHERE p.layer_id = ? ORDER BY p.id",
        {qlonglong(layer.value)}, [&](const QSqlQuery& q) -> Result<void> {
            PromptRecord r;
            r.slice = {static_cast<Plane>(q.value(1).toInt()), q.value(2).toLongLong()};
            r.label = {static_cast<std::uint16_t>(q.value(3).toUInt())};
            if (!q.value(4).isNull())
                r.prompts.box = SliceBox{q.value(4).toDouble(), q.value(5).toDouble(), q.value(6).toDouble(),
                                         q.value(7).toDouble()};
            Result<std::vector<PointPrompt>> at = points(q.value(0).toLongLong());
            if (!at)
                return at.error();
            r.prompts.points = std::move(*at);
            r.modelId = fromText(q.value(8));
            r.predictedIou = q.value(9).toFloat();
            r.accepted = q.value(10).toBool();
            records.push_back(std::move(r));
            return {};
        });
    if (!read)
        return read.error();
    return records;
}

} // namespace tandem
