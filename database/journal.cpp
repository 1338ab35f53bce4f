#include "database/journal.h"

#include "database/blob.h"

namespace tandem {
namespace {

// Runs since the last snapshot beyond which one is written: when a layer is opened, and while it is drawn on.
constexpr std::int64_t runsBeforeRevisionAtLoad = 50'000;
constexpr std::int64_t runsBeforeRevisionAtWork = 1'000'000;

Result<std::vector<EditRun>> runsOf(const QVariant& blob, const QVariant& bytes) {
    const Result<std::vector<std::uint8_t>> raw = inflated(blob.toByteArray(), bytes.toLongLong());
    if (!raw)
        return raw.error();
    return decodeRuns(raw->data(), raw->size());
}

// A snapshot is the edit that leads there from an empty map.
std::vector<EditRun> runsOfMap(const LabelMap& map) {
    std::vector<EditRun> runs;
    const std::vector<std::uint16_t>& labels = map.labels();
    for (std::size_t v = 0; v < labels.size();) {
        std::size_t end = v + 1;
        while (end < labels.size() && labels[end] == labels[v] && end - v < UINT32_MAX)
            ++end;
        if (labels[v] != 0)
            runs.push_back({v, static_cast<std::uint32_t>(end - v), 0, labels[v]});
        v = end;
    }
    return runs;
}

Error damagedEntry(const std::string& name, EditId id, const Error& why) {
    return {ErrorCode::FormatInvalid, "Entry " + std::to_string(id.value) + " in the journal of case \"" +
                                          name + "\" is damaged: " + why.sentence +
                                          " Take a backup copy of the project."};
}

} // namespace

std::string Journal::nameOf(const Active& a) {
    const Result<CaseRecord> c = cases_.one(a.owner);
    return c ? c->name : std::to_string(a.owner.value);
}

Result<Journal::Active> Journal::emptyLayer(LayerId layer) {
    const auto owner = sql_.value("SELECT case_id FROM layer WHERE id = ?", {qlonglong(layer.value)});
    if (!owner)
        return owner.error();
    if (!*owner)
        return Error{ErrorCode::InvalidArgument,
                     "The project has no layer number " + std::to_string(layer.value) + "."};
    const Result<CaseRecord> c = cases_.one({(*owner)->toLongLong()});
    if (!c)
        return c.error();
    return Active{layer, c->id, LayerContent{LabelMap(c->image.grid), {}}, {}, 0};
}

Result<std::vector<Journal::Entry>> Journal::entries(LayerId layer) {
    std::vector<Entry> all;
    const Result<void> read = sql_.each("SELECT id, action, target FROM edit WHERE layer_id = ? ORDER BY id",
                                        {qlonglong(layer.value)}, [&](const QSqlQuery& q) -> Result<void> {
                                            all.push_back({{q.value(0).toLongLong()},
                                                           static_cast<JournalAction>(q.value(1).toInt()),
                                                           {q.value(2).toLongLong()}});
                                            return {};
                                        });
    if (!read)
        return read.error();
    return all;
}

Result<Edit> Journal::stored(LayerId layer, EditId id) {
    std::optional<Edit> found;
    JournalAction action = JournalAction::Do;
    EditId target;
    const Result<void> read = sql_.each(
        "SELECT source, label, title, action, target, bytes, runs FROM edit WHERE layer_id = ? AND id = ?",
        {qlonglong(layer.value), qlonglong(id.value)}, [&](const QSqlQuery& q) -> Result<void> {
            action = static_cast<JournalAction>(q.value(3).toInt());
            target = {q.value(4).toLongLong()};
            found = Edit{static_cast<EditSource>(q.value(0).toUInt()),
                         LabelId{static_cast<std::uint16_t>(q.value(1).toUInt())},
                         fromText(q.value(2)),
                         {}};
            if (action != JournalAction::Do)
                return {};
            Result<std::vector<EditRun>> runs = runsOf(q.value(6), q.value(5));
            if (!runs)
                return runs.error();
            found->runs = std::move(*runs);
            return {};
        });
    if (!read)
        return read.error();
    if (!found)
        return Error{ErrorCode::InvalidArgument,
                     "The journal has no entry number " + std::to_string(id.value) + "."};
    if (action == JournalAction::Do)
        return std::move(*found);
    if (target >= id) // a journal only points back
        return Error{ErrorCode::FormatInvalid, "it names a later entry."};
    Result<Edit> first = stored(layer, target);
    if (!first)
        return first;
    found->runs = action == JournalAction::Undo ? inverse(*first).runs : std::move(first->runs);
    return std::move(*found);
}

Result<void> Journal::replay(Active& a, const Entry& entry) {
    Result<Edit> step = stored(a.layer, entry.id);
    if (!step)
        return damagedEntry(nameOf(a), entry.id, step.error());
    if (Result<void> applied = applyEdit(a.content.labels, *step); !applied)
        return damagedEntry(nameOf(a), entry.id, applied.error());
    a.runsSinceRevision += static_cast<std::int64_t>(step->runs.size());
    return {};
}

// Starts from the newest snapshot that can be read; the journal alone tells the same, only slower.
Result<void> Journal::restoreRevision(Active& a) {
    return sql_.each(
        "SELECT through_edit, bytes, runs FROM revision WHERE layer_id = ? ORDER BY through_edit DESC",
        {qlonglong(a.layer.value)}, [&](const QSqlQuery& q) -> Result<void> {
            if (a.last.value != 0)
                return {};
            Result<std::vector<EditRun>> runs = runsOf(q.value(2), q.value(1));
            if (!runs || !applyEdit(a.content.labels, Edit{EditSource::Import, {}, {}, std::move(*runs)}))
                return {};
            a.last = {q.value(0).toLongLong()};
            return {};
        });
}

Result<Journal::Active*> Journal::activate(LayerId layer) {
    if (active_ && active_->layer == layer)
        return &*active_;
    active_.reset(); // one label map at a time
    Result<Active> a = emptyLayer(layer);
    if (!a)
        return a.error();
    if (Result<void> restored = restoreRevision(*a); !restored)
        return restored.error();
    const Result<std::vector<Entry>> all = entries(layer);
    if (!all)
        return all.error();
    for (const Entry& entry : *all) {
        a->content.history.note(entry.action, entry.id, entry.target);
        if (entry.id <= a->last)
            continue;
        if (Result<void> done = replay(*a, entry); !done)
            return done.error();
        a->last = entry.id;
    }
    if (a->runsSinceRevision > runsBeforeRevisionAtLoad)
        if (Result<void> kept = keepRevision(*a); !kept)
            return kept.error();
    active_ = std::move(*a);
    return &*active_;
}

Result<LayerContent> Journal::load(LayerId layer) {
    Result<Active*> a = activate(layer);
    if (!a)
        return a.error();
    return (*a)->content;
}

Result<Edit> Journal::edit(LayerId layer, EditId id) {
    return stored(layer, id);
}

Result<void> Journal::fits(const Active& a, const JournalEntry& entry) {
    if (entry.action == JournalAction::Do)
        return {};
    const bool undo = entry.action == JournalAction::Undo;
    const std::optional<EditId> next = undo ? a.content.history.nextUndo() : a.content.history.nextRedo();
    if (next != entry.target)
        return Error{ErrorCode::InvalidArgument, undo ? "This step is not the one to be taken back next."
                                                      : "This step is not the one to be done again next."};
    const Result<Edit> first = stored(a.layer, entry.target);
    if (!first)
        return first.error();
    if (entry.edit.runs != (undo ? inverse(*first).runs : first->runs))
        return Error{ErrorCode::InvalidArgument,
                     "A step that is taken back or done again must be the very step."};
    return {};
}

Result<EditId> Journal::write(const Active& a, const JournalEntry& entry) {
    const bool isDo = entry.action == JournalAction::Do;
    QVariant target, runs;
    std::int64_t bytes = 0;
    if (isDo) {
        const std::vector<std::uint8_t> raw = encodeRuns(entry.edit.runs);
        bytes = static_cast<std::int64_t>(raw.size());
        runs = deflated(raw);
    } else {
        target = qlonglong(entry.target.value);
    }
    EditId id;
    const Result<void> done = sql_.transaction([&]() -> Result<void> {
        if (Result<void> noted = cases_.noteDrawing(a.owner); !noted)
            return noted;
        auto row = sql_.insert(
            "INSERT INTO edit (layer_id, action, target, source, label, title, at, bytes, runs) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            {qlonglong(a.layer.value), int(entry.action), target, int(entry.edit.source),
             uint(entry.edit.label.value), toText(entry.edit.title), nowUtc(), qlonglong(bytes), runs});
        if (!row)
            return row.error();
        id = {*row};
        return {};
    });
    if (!done)
        return done.error();
    return id;
}

Result<EditId> Journal::append(LayerId layer, const JournalEntry& entry) {
    Result<Active*> active = activate(layer);
    if (!active)
        return active.error();
    Active& a = **active;
    if (Result<void> fit = fits(a, entry); !fit)
        return fit.error();
    if (Result<void> applied = applyEdit(a.content.labels, entry.edit); !applied)
        return applied.error();
    Result<EditId> id = write(a, entry);
    if (!id) {
        active_.reset(); // the disk says how the layer stands
        return id;
    }
    a.content.history.note(entry.action, *id, entry.target);
    a.last = *id;
    a.runsSinceRevision += static_cast<std::int64_t>(entry.edit.runs.size());
    return id;
}

Result<void> Journal::keepRevision(Active& a) {
    if (a.last.value == 0)
        return {};
    const std::vector<std::uint8_t> raw = encodeRuns(runsOfMap(a.content.labels));
    const Result<void> kept = sql_.transaction([&] {
        return sql_.run("INSERT OR REPLACE INTO revision (layer_id, through_edit, at, bytes, runs) VALUES "
                        "(?, ?, ?, ?, ?)",
                        {qlonglong(a.layer.value), qlonglong(a.last.value), nowUtc(), qlonglong(raw.size()),
                         deflated(raw)});
    });
    if (kept)
        a.runsSinceRevision = 0;
    return kept;
}

Result<void> Journal::keepRevision(LayerId layer) {
    Result<Active*> a = activate(layer);
    if (!a)
        return a.error();
    return keepRevision(**a);
}

Result<void> Journal::tidy() {
    if (active_ && active_->runsSinceRevision > runsBeforeRevisionAtWork)
        return keepRevision(*active_);
    return {};
}

Result<std::optional<LabelMap>> Journal::revisionAt(const Active& a, EditId id,
                                                    std::vector<std::string>& problems) {
    std::optional<LabelMap> map;
    const Result<void> read =
        sql_.each("SELECT bytes, runs FROM revision WHERE layer_id = ? AND through_edit = ?",
                  {qlonglong(a.layer.value), qlonglong(id.value)}, [&](const QSqlQuery& q) -> Result<void> {
                      LabelMap snapshot(a.content.labels.grid());
                      Result<std::vector<EditRun>> runs = runsOf(q.value(1), q.value(0));
                      if (runs && applyEdit(snapshot, Edit{EditSource::Import, {}, {}, std::move(*runs)}))
                          map = std::move(snapshot);
                      else
                          problems.push_back("The snapshot of case \"" + nameOf(a) + "\" after entry " +
                                             std::to_string(id.value) +
                                             " is damaged; the journal still holds the mask.");
                      return {};
                  });
    if (!read)
        return read.error();
    return map;
}

Result<void> Journal::checkLayer(LayerId layer, std::vector<std::string>& problems) {
    Result<Active> a = emptyLayer(layer);
    if (!a)
        return a.error();
    const Result<std::vector<Entry>> all = entries(layer);
    if (!all)
        return all.error();
    for (const Entry& entry : *all) {
        const History& before = a->content.history;
        const bool inTurn =
            entry.action == JournalAction::Do ||
            (entry.action == JournalAction::Undo ? before.nextUndo() : before.nextRedo()) == entry.target;
        const Result<void> done =
            inTurn ? replay(*a, entry)
                   : damagedEntry(nameOf(*a), entry.id, {ErrorCode::FormatInvalid, "it is out of turn."});
        if (!done) {
            problems.push_back(done.error().sentence);
            return {}; // what follows rests on this entry
        }
        a->content.history.note(entry.action, entry.id, entry.target);
        const Result<std::optional<LabelMap>> snapshot = revisionAt(*a, entry.id, problems);
        if (!snapshot)
            return snapshot.error();
        if (*snapshot && (*snapshot)->labels() != a->content.labels.labels())
            problems.push_back("The snapshot of case \"" + nameOf(*a) + "\" after entry " +
                               std::to_string(entry.id.value) + " differs from its journal.");
    }
    return {};
}

Result<void> Journal::check(std::vector<std::string>& problems) {
    std::vector<LayerId> layers;
    Result<void> done =
        sql_.each("SELECT id FROM layer ORDER BY id", {}, [&](const QSqlQuery& q) -> Result<void> {
            layers.push_back({q.value(0).toLongLong()});
            return {};
        });
    for (std::size_t n = 0; done && n < layers.size(); ++n)
        done = checkLayer(layers[n], problems);
    return done;
}

} // namespace tandem
