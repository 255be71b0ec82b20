-- Checkups of the gateway role. Persons are opaque references; no name, no individual number.
-- Civil dates are ISO 8601 text; senders are '<kind>:<code>'.

-- What a sender sent together. Rows count for readers only while their batch is accepted or what undoing it left.
CREATE TABLE IF NOT EXISTS checkup_batch (
    sender    TEXT    NOT NULL,
    batch_id  TEXT    NOT NULL, -- UUID
    state     INTEGER NOT NULL CHECK (state IN (1, 2, 3, 4)), -- open, accepted, held, undone
    opened_us INTEGER NOT NULL,
    closed_us INTEGER NOT NULL, -- 0 while open
    shapes    TEXT    NOT NULL, -- JSON: counts by kind, nothing about any person; empty while open
    said      TEXT    NOT NULL, -- JSON: what the anomaly gate said; empty while open
    PRIMARY KEY (sender, batch_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS checkup_batch_history ON checkup_batch (sender, state, closed_us);

-- Every version of every record as it came; none is ever changed. Which one counts is reckoned from the rows held. Two
-- batches that were open at once may both hold a row: each is whole without the other.
CREATE TABLE IF NOT EXISTS checkup_row (
    subject_ref    BLOB    NOT NULL,
    sender         TEXT    NOT NULL,
    record_id      TEXT    NOT NULL, -- the sender's own
    source_version INTEGER NOT NULL, -- the sender's own
    content_sha256 BLOB    NOT NULL, -- of the body
    batch_id       TEXT    NOT NULL,
    day            TEXT    NOT NULL,
    body           TEXT    NOT NULL, -- JSON of the whole version
    entry_idx      INTEGER NOT NULL, -- provenance: the leaf
    entry_position INTEGER NOT NULL, -- and the position in its chunk
    PRIMARY KEY (subject_ref, sender, record_id, source_version, content_sha256, batch_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS checkup_row_record ON checkup_row (sender, record_id);
CREATE INDEX IF NOT EXISTS checkup_row_batch ON checkup_row (sender, batch_id, record_id);

-- What a municipality must hear at once, written in the commit of the row that raised it (transactional outbox). It
-- waits here until a person has read it, whatever becomes of the batch.
CREATE TABLE IF NOT EXISTS checkup_urgent (
    municipality TEXT    NOT NULL,
    case_id      TEXT    NOT NULL, -- UUID made of record and cause: sending again raises nothing anew
    resident_key TEXT    NOT NULL, -- empty if what was sent cannot be kept
    record_id    TEXT    NOT NULL,
    cause        INTEGER NOT NULL CHECK (cause IN (1, 2, 3)), -- total, item 10, both
    raised_us    INTEGER NOT NULL,
    read_us      INTEGER NOT NULL, -- 0: nobody has read it
    read_idx     INTEGER NOT NULL, -- the entry whose sealed part says who; 0: none
    entry_idx    INTEGER NOT NULL,
    PRIMARY KEY (municipality, case_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS checkup_urgent_unread ON checkup_urgent (municipality, read_us, raised_us);
