-- Schema 1 of a Tandem project. One transaction brings an empty file here; a released schema is never changed,
-- the next one is 002.sql. Times are ISO 8601, UTC. Blobs are deflated (zlib) journal bytes, see database/README.md.

CREATE TABLE project (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    name       TEXT NOT NULL,
    uuid       TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE person (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE label_set (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE label (
    label_set_id INTEGER NOT NULL REFERENCES label_set (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL CHECK (number BETWEEN 1 AND 65535),
    name         TEXT NOT NULL,
    red          INTEGER NOT NULL CHECK (red BETWEEN 0 AND 255),
    green        INTEGER NOT NULL CHECK (green BETWEEN 0 AND 255),
    blue         INTEGER NOT NULL CHECK (blue BETWEEN 0 AND 255),
    visible      INTEGER NOT NULL CHECK (visible IN (0, 1)),
    locked       INTEGER NOT NULL CHECK (locked IN (0, 1)),
    PRIMARY KEY (label_set_id, number)
) STRICT;

CREATE TABLE "case" (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL UNIQUE,
    state        INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4), -- new, in progress, submitted, approved, rejected
    assignee_id  INTEGER REFERENCES person (id),
    created_at   TEXT NOT NULL,
    changed_at   TEXT NOT NULL
) STRICT;

-- The certificate of a case: which image, and the grid that its masks lie on (patientFromVoxel, LPS mm).
CREATE TABLE image (
    id           INTEGER PRIMARY KEY,
    case_id      INTEGER NOT NULL UNIQUE REFERENCES "case" (id) ON DELETE CASCADE,
    path         TEXT NOT NULL,    -- relative to the project file's folder
    series_key   TEXT NOT NULL,    -- DICOM: which volume of a folder
    frame        INTEGER NOT NULL, -- 4-D images: which volume
    content_hash TEXT NOT NULL,
    modality     TEXT NOT NULL,
    size_i INTEGER NOT NULL CHECK (size_i > 0),
    size_j INTEGER NOT NULL CHECK (size_j > 0),
    size_k INTEGER NOT NULL CHECK (size_k > 0),
    l_i REAL NOT NULL, l_j REAL NOT NULL, l_k REAL NOT NULL, l_0 REAL NOT NULL,
    p_i REAL NOT NULL, p_j REAL NOT NULL, p_k REAL NOT NULL, p_0 REAL NOT NULL,
    s_i REAL NOT NULL, s_j REAL NOT NULL, s_k REAL NOT NULL, s_0 REAL NOT NULL
) STRICT;

CREATE TABLE layer (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    case_id      INTEGER NOT NULL REFERENCES "case" (id) ON DELETE CASCADE,
    label_set_id INTEGER NOT NULL REFERENCES label_set (id),
    name         TEXT NOT NULL,
    UNIQUE (case_id, name)
) STRICT;

-- The journal. It only grows; undo and redo are entries that name the one they act on and store no runs of their own.
CREATE TABLE edit (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    layer_id INTEGER NOT NULL REFERENCES layer (id) ON DELETE CASCADE,
    action   INTEGER NOT NULL CHECK (action BETWEEN 0 AND 2), -- do, undo, redo
    target   INTEGER REFERENCES edit (id),                    -- of an undo or redo
    source   INTEGER NOT NULL CHECK (source BETWEEN 0 AND 255),
    label    INTEGER NOT NULL CHECK (label BETWEEN 0 AND 65535),
    title    TEXT NOT NULL,
    at       TEXT NOT NULL,
    bytes    INTEGER NOT NULL, -- of the runs before they were deflated
    runs     BLOB,
    CHECK ((action = 0) = (target IS NULL)),
    CHECK ((action = 0) = (runs IS NOT NULL))
) STRICT;
CREATE INDEX edit_of_layer ON edit (layer_id, id);
CREATE INDEX edit_of_target ON edit (target);
CREATE TRIGGER edit_is_append_only BEFORE UPDATE ON edit
BEGIN
    SELECT RAISE(ABORT, 'the journal only grows');
END;

-- A snapshot of a layer after one of its entries (runs over an empty map), so that loading need not replay everything.
CREATE TABLE revision (
    id           INTEGER PRIMARY KEY,
    layer_id     INTEGER NOT NULL REFERENCES layer (id) ON DELETE CASCADE,
    through_edit INTEGER NOT NULL REFERENCES edit (id) ON DELETE CASCADE,
    at           TEXT NOT NULL,
    bytes        INTEGER NOT NULL,
    runs         BLOB NOT NULL,
    UNIQUE (layer_id, through_edit)
) STRICT;
CREATE INDEX revision_of_edit ON revision (through_edit);

CREATE TABLE prompt (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    layer_id INTEGER NOT NULL REFERENCES layer (id) ON DELETE CASCADE,
    plane    INTEGER NOT NULL CHECK (plane BETWEEN 0 AND 2), -- axial, coronal, sagittal
    slice    INTEGER NOT NULL,
    label    INTEGER NOT NULL CHECK (label BETWEEN 0 AND 65535),
    box_x0 REAL, box_y0 REAL, box_x1 REAL, box_y1 REAL, -- SlicePx, inclusive; all null without a box
    at       TEXT NOT NULL
) STRICT;
CREATE INDEX prompt_of_layer ON prompt (layer_id);

CREATE TABLE prompt_point (
    prompt_id  INTEGER NOT NULL REFERENCES prompt (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    x          REAL NOT NULL,
    y          REAL NOT NULL,
    foreground INTEGER NOT NULL CHECK (foreground IN (0, 1)),
    PRIMARY KEY (prompt_id, number)
) STRICT;

-- What the network answered to a prompt, and what the person made of it.
CREATE TABLE proposal (
    id            INTEGER PRIMARY KEY,
    prompt_id     INTEGER NOT NULL REFERENCES prompt (id) ON DELETE CASCADE,
    model_id      TEXT NOT NULL,
    predicted_iou REAL NOT NULL,
    accepted      INTEGER NOT NULL CHECK (accepted IN (0, 1))
) STRICT;
CREATE INDEX proposal_of_prompt ON proposal (prompt_id);

CREATE TABLE comment (
    id        INTEGER PRIMARY KEY,
    case_id   INTEGER NOT NULL REFERENCES "case" (id) ON DELETE CASCADE,
    person_id INTEGER REFERENCES person (id),
    at        TEXT NOT NULL,
    text      TEXT NOT NULL
) STRICT;
CREATE INDEX comment_of_case ON comment (case_id);

CREATE TABLE review_event (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    case_id    INTEGER NOT NULL REFERENCES "case" (id) ON DELETE CASCADE,
    from_state INTEGER NOT NULL CHECK (from_state BETWEEN 0 AND 4),
    to_state   INTEGER NOT NULL CHECK (to_state BETWEEN 0 AND 4),
    person_id  INTEGER REFERENCES person (id),
    comment_id INTEGER REFERENCES comment (id) ON DELETE CASCADE,
    at         TEXT NOT NULL
) STRICT;
CREATE INDEX review_event_of_case ON review_event (case_id);

-- Long work that was started on this project (training, propagation): what, with what, and how it ended.
CREATE TABLE job (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    parameters  TEXT NOT NULL, -- JSON
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    outcome     TEXT
) STRICT;
