-- Follow-ups of checkups. Which are open is reckoned from the records; kept is only what people said came of them.

-- What came of one version's follow-up, by the municipality that sent the record. Never changed; a later judgement opens
-- another.
CREATE TABLE IF NOT EXISTS checkup_closing (
    sender         TEXT    NOT NULL, -- '<kind>:<code>'
    record_id      TEXT    NOT NULL,
    source_version INTEGER NOT NULL, -- the version that was closed
    disposition    TEXT    NOT NULL, -- what it asked for
    closing        TEXT    NOT NULL, -- what came of it
    day            TEXT    NOT NULL, -- ISO 8601
    closed_us      INTEGER NOT NULL,
    entry_idx      INTEGER NOT NULL, -- provenance: the leaf, whose sealed part says who
    PRIMARY KEY (sender, record_id, source_version, disposition)
) STRICT, WITHOUT ROWID;

-- Rows that ask for something, among all. The store's query repeats this condition word by word.
CREATE INDEX IF NOT EXISTS checkup_row_asking ON checkup_row (sender, record_id, day, source_version)
    WHERE body LIKE '%"disposition":"OBSERVATION"%' OR body LIKE '%"disposition":"DETAILED_EXAMINATION"%'
       OR body LIKE '%"disposition":"TREATMENT"%';
