-- Schema 2: scribbles. A point of a prompt may go on along further points, in straight lines, in the order of `step`.

CREATE TABLE prompt_along (
    prompt_id INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    step      INTEGER NOT NULL,
    x         REAL NOT NULL,
    y         REAL NOT NULL,
    PRIMARY KEY (prompt_id, number, step),
    FOREIGN KEY (prompt_id, number) REFERENCES prompt_point (prompt_id, number) ON DELETE CASCADE
) STRICT;
