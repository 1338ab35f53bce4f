#include "database/case_table.h"

#include <algorithm>

namespace tandem {
namespace {

constexpr const char* selectCases = R"sql(
SELECT c.id, c.name, c.state, p.name, l.id, c.changed_at,
       (SELECT m.text FROM review_event e JOIN comment m ON m.id = e.comment_id
         WHERE e.case_id = c.id AND e.to_state = 4 ORDER BY e.id DESC LIMIT 1),
       i.path, i.series_key, i.frame, i.content_hash, i.modality, i.size_i, i.size_j, i.size_k,
       i.l_i, i.l_j, i.l_k, i.l_0, i.p_i, i.p_j, i.p_k, i.p_0, i.s_i, i.s_j, i.s_k, i.s_0
  FROM "case" c JOIN image i ON i.case_id = c.id JOIN layer l ON l.case_id = c.id
  LEFT JOIN person p ON p.id = c.assignee_id )sql";

Result<Geometry> gridOf(const QSqlQuery& q, int column) {
    Size3 size{};
    for (std::size_t a = 0; a < 3; ++a)
        size[a] = q.value(column++).toLongLong();
    Affine<Patient, Voxel> affine;
    for (std::size_t r = 0; r < 3; ++r) {
        for (std::size_t c = 0; c < 3; ++c)
            affine.linear[r][c] = q.value(column++).toDouble();
        affine.offset[r] = q.value(column++).toDouble();
    }
    return Geometry::make(size, affine);
}

void appendGrid(Binds& binds, const Geometry& grid) {
    for (std::int64_t n : grid.size())
        binds << qlonglong(n);
    const Affine<Patient, Voxel>& affine = grid.patientFromVoxel();
    for (std::size_t r = 0; r < 3; ++r) {
        for (double x : affine.linear[r])
            binds << x;
        binds << affine.offset[r];
    }
}

Result<CaseRecord> recordOf(const QSqlQuery& q, const std::filesystem::path& folder) {
    CaseRecord c;
    c.id = {q.value(0).toLongLong()};
    c.name = fromText(q.value(1));
    c.state = static_cast<CaseState>(q.value(2).toInt());
    c.assignee = fromText(q.value(3));
    c.layer = {q.value(4).toLongLong()};
    c.changedAt = fromText(q.value(5));
    c.lastComment = fromText(q.value(6));
    c.image.path = (folder / fromText(q.value(7))).lexically_normal();
    c.image.seriesKey = fromText(q.value(8));
    c.image.frame = q.value(9).toLongLong();
    c.image.contentHash = fromText(q.value(10));
    c.image.modality = fromText(q.value(11));
    Result<Geometry> grid = gridOf(q, 12);
    if (!grid)
        return Error{ErrorCode::FormatInvalid,
                     "The grid of case \"" + c.name + "\" is damaged in the project file."};
    c.image.grid = *grid;
    return c;
}

// Which steps a person may take; drawing takes New and Rejected to InProgress by itself.
bool stepMakesSense(CaseState from, CaseState to) {
    switch (to) {
    case CaseState::New:
        return false;
    case CaseState::InProgress: // started, withdrawn, taken up again, reopened
        return from != CaseState::InProgress;
    case CaseState::Submitted:
        return from == CaseState::InProgress;
    case CaseState::Approved:
    case CaseState::Rejected:
        return from == CaseState::Submitted;
    }
    return false;
}

Result<void> checkStep(const CaseRecord& c, CaseState to, const std::string& comment) {
    if (!stepMakesSense(c.state, to))
        return Error{ErrorCode::InvalidArgument,
                     "Case \"" + c.name + "\" is " + std::string(caseStateName(c.state)) +
                         ", so it cannot become " + std::string(caseStateName(to)) + "."};
    if (to == CaseState::Rejected && comment.find_first_not_of(" \t\r\n") == std::string::npos)
        return Error{ErrorCode::InvalidArgument,
                     "Say why case \"" + c.name + "\" is rejected, so that it can be corrected."};
    return {};
}

} // namespace

Result<std::string> CaseTable::relativePath(const std::filesystem::path& image) const {
    std::error_code ec;
    const auto folder =
        std::filesystem::weakly_canonical(std::filesystem::absolute(sql_.file(), ec).parent_path(), ec);
    const auto absolute = std::filesystem::absolute(image, ec).lexically_normal();
    const auto place = std::filesystem::weakly_canonical(absolute.parent_path(), ec) / absolute.filename();
    const std::string relative = place.lexically_relative(folder).string();
    if (relative.empty() || fromText(toText(relative)) != relative)
        return Error{ErrorCode::InvalidArgument,
                     "The path of the image \"" + image.string() +
                         "\" cannot be kept in a project (its name is not UTF-8). Rename it."};
    return relative;
}

Result<QVariant> CaseTable::personId(const std::string& name) {
    if (name.empty())
        return QVariant();
    if (Result<void> made = sql_.run("INSERT OR IGNORE INTO person (name) VALUES (?)", {toText(name)}); !made)
        return made.error();
    auto id = sql_.value("SELECT id FROM person WHERE name = ?", {toText(name)});
    if (!id)
        return id.error();
    return id->value_or(QVariant());
}

Result<CaseId> CaseTable::add(const std::string& name, const ImageRecord& image) {
    if (name.empty())
        return Error{ErrorCode::InvalidArgument, "A case needs a name."};
    const auto taken = sql_.value("SELECT 1 FROM \"case\" WHERE name = ?", {toText(name)});
    if (!taken)
        return taken.error();
    if (*taken)
        return Error{ErrorCode::InvalidArgument, "The project has a case \"" + name + "\" already."};
    Result<std::string> path = relativePath(image.path);
    if (!path)
        return path.error();
    CaseId id;
    const Result<void> done = sql_.transaction([&]() -> Result<void> {
        auto made = sql_.insert("INSERT INTO \"case\" (name, created_at, changed_at) VALUES (?, ?, ?)",
                                {toText(name), nowUtc(), nowUtc()});
        if (!made)
            return made.error();
        id = {*made};
        Binds binds{qlonglong(id.value),       toText(*path),
                    toText(image.seriesKey),   qlonglong(image.frame),
                    toText(image.contentHash), toText(image.modality)};
        appendGrid(binds, image.grid);
        if (Result<void> put =
                sql_.run("INSERT INTO image (case_id, path, series_key, frame, content_hash, modality, "
                         "size_i, size_j, size_k, l_i, l_j, l_k, l_0, p_i, p_j, p_k, p_0, s_i, s_j, s_k, "
                         "s_0) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                         binds);
            !put)
            return put;
        return sql_.run("INSERT INTO layer (case_id, label_set_id, name) VALUES (?, 1, 'mask')",
                        {qlonglong(id.value)});
    });
    if (!done)
        return done.error();
    return id;
}

Result<std::vector<CaseRecord>> CaseTable::select(const char* where, const Binds& binds) {
    std::vector<CaseRecord> cases;
    const std::filesystem::path folder = std::filesystem::absolute(sql_.file()).parent_path();
    const std::string statement = std::string(selectCases) + where;
    const Result<void> read = sql_.each(statement.c_str(), binds, [&](const QSqlQuery& q) -> Result<void> {
        Result<CaseRecord> c = recordOf(q, folder);
        if (!c)
            return c.error();
        cases.push_back(std::move(*c));
        return {};
    });
    if (!read)
        return read.error();
    return cases;
}

Result<std::vector<CaseRecord>> CaseTable::all() {
    return select("ORDER BY c.id", {});
}

Result<CaseRecord> CaseTable::one(CaseId id) {
    Result<std::vector<CaseRecord>> found = select("WHERE c.id = ?", {qlonglong(id.value)});
    if (!found)
        return found.error();
    if (found->empty())
        return Error{ErrorCode::InvalidArgument,
                     "The project has no case number " + std::to_string(id.value) + "."};
    return std::move(found->front());
}

Result<void> CaseTable::remove(CaseId id) {
    if (Result<CaseRecord> c = one(id); !c)
        return c.error();
    return sql_.transaction(
        [&] { return sql_.run("DELETE FROM \"case\" WHERE id = ?", {qlonglong(id.value)}); });
}

Result<void> CaseTable::assign(CaseId id, const std::string& person) {
    if (Result<CaseRecord> c = one(id); !c)
        return c.error();
    return sql_.transaction([&]() -> Result<void> {
        Result<QVariant> who = personId(person);
        if (!who)
            return who.error();
        return sql_.run("UPDATE \"case\" SET assignee_id = ?, changed_at = ? WHERE id = ?",
                        {*who, nowUtc(), qlonglong(id.value)});
    });
}

Result<void> CaseTable::relocate(CaseId id, const ImageRecord& image) {
    Result<CaseRecord> c = one(id);
    if (!c)
        return c.error();
    const std::string found = "The image \"" + image.path.string() + "\"";
    if (Result<void> same =
            checkSameGrid(image.grid, found, c->image.grid, "the image of case \"" + c->name + "\"");
        !same)
        return same;
    if (image.contentHash != c->image.contentHash)
        return Error{ErrorCode::InvalidArgument,
                     found + " is not the image of case \"" + c->name +
                         "\": its voxels differ from what the masks were drawn on."};
    Result<std::string> path = relativePath(image.path);
    if (!path)
        return path.error();
    return sql_.transaction([&] {
        return sql_.run(
            "UPDATE image SET path = ?, series_key = ?, frame = ? WHERE case_id = ?",
            {toText(*path), toText(image.seriesKey), qlonglong(image.frame), qlonglong(id.value)});
    });
}

Result<void> CaseTable::changeState(const CaseRecord& c, CaseState to, const std::string& person,
                                    const std::string& comment) {
    Result<QVariant> who = personId(person);
    if (!who)
        return who.error();
    QVariant commentId;
    if (!comment.empty()) {
        auto made = sql_.insert("INSERT INTO comment (case_id, person_id, at, text) VALUES (?, ?, ?, ?)",
                                {qlonglong(c.id.value), *who, nowUtc(), toText(comment)});
        if (!made)
            return made.error();
        commentId = qlonglong(*made);
    }
    if (Result<void> noted =
            sql_.run("INSERT INTO review_event (case_id, from_state, to_state, person_id, comment_id, at) "
                     "VALUES (?, ?, ?, ?, ?, ?)",
                     {qlonglong(c.id.value), int(c.state), int(to), *who, commentId, nowUtc()});
        !noted)
        return noted;
    return sql_.run("UPDATE \"case\" SET state = ?, changed_at = ? WHERE id = ?",
                    {int(to), nowUtc(), qlonglong(c.id.value)});
}

Result<void> CaseTable::setState(CaseId id, CaseState to, const std::string& person,
                                 const std::string& comment) {
    Result<CaseRecord> c = one(id);
    if (!c)
        return c.error();
    if (Result<void> step = checkStep(*c, to, comment); !step)
        return step;
    return sql_.transaction([&] { return changeState(*c, to, person, comment); });
}

Result<std::vector<ReviewEvent>> CaseTable::events(CaseId id) {
    if (Result<CaseRecord> c = one(id); !c)
        return c.error();
    std::vector<ReviewEvent> events;
    const Result<void> read =
        sql_.each("SELECT e.from_state, e.to_state, p.name, m.text, e.at FROM review_event e LEFT JOIN "
                  "person p ON p.id = e.person_id "
                  "LEFT JOIN comment m ON m.id = e.comment_id WHERE e.case_id = ? ORDER BY e.id",
                  {qlonglong(id.value)}, [&](const QSqlQuery& q) -> Result<void> {
                      events.push_back({static_cast<CaseState>(q.value(0).toInt()),
                                        static_cast<CaseState>(q.value(1).toInt()), fromText(q.value(2)),
                                        fromText(q.value(3)), fromText(q.value(4))});
                      return {};
                  });
    if (!read)
        return read.error();
    return events;
}

Result<void> CaseTable::noteDrawing(CaseId id) {
    Result<CaseRecord> c = one(id);
    if (!c)
        return c.error();
    switch (c->state) {
    case CaseState::InProgress:
        return {};
    case CaseState::New:
    case CaseState::Rejected:
        return changeState(*c, CaseState::InProgress, c->assignee, {});
    case CaseState::Submitted:
    case CaseState::Approved:
        break;
    }
    return Error{ErrorCode::Locked,
                 "Case \"" + c->name + "\" is " + std::string(caseStateName(c->state)) +
                     ", so its mask is not changed. Take it back in progress to go on drawing."};
}

} // namespace tandem
