-- Erasure: what was erased and by which entry, what must not be, and what still has to be finished. None of these
-- rows says who a person is but by a keyed tag or under seal.

-- Entries whose parts were destroyed, and the entry of kind 8 that says so.
CREATE TABLE IF NOT EXISTS erased (
    idx       INTEGER NOT NULL PRIMARY KEY,
    erased_by INTEGER NOT NULL
) STRICT;

-- Erasures whose bytes may still stand in the database's own files: its write-ahead log, its dead rows.
CREATE TABLE IF NOT EXISTS erasure_trace (
    erased_by INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- Requests to erase: two people, one case, one day. An agreed one stays until the other log and the files follow.
CREATE TABLE IF NOT EXISTS erasure_request (
    erasure_id TEXT    NOT NULL PRIMARY KEY, -- UUID
    requester  TEXT    NOT NULL,             -- <kind>:<code>
    agreed     INTEGER NOT NULL CHECK (agreed IN (0, 1)),
    expires_us INTEGER NOT NULL,
    body       BLOB    NOT NULL              -- what, case, ground, who asked: sealed with the log's own key
) STRICT, WITHOUT ROWID;

-- Legal holds in force: what they cover is not erased, neither on request nor when its period ends.
CREATE TABLE IF NOT EXISTS legal_hold (
    hold_id      TEXT    NOT NULL PRIMARY KEY, -- UUID
    organization TEXT    NOT NULL,             -- who put it and alone may release it, <kind>:<code>
    put_idx      INTEGER NOT NULL              -- its own entry
) STRICT, WITHOUT ROWID;

-- What a hold covers: all entries of a chain, or one entry.
CREATE TABLE IF NOT EXISTS held_person (
    hold_id     TEXT NOT NULL,
    subject_tag BLOB NOT NULL,
    PRIMARY KEY (hold_id, subject_tag)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held_entry (
    hold_id TEXT    NOT NULL,
    idx     INTEGER NOT NULL,
    PRIMARY KEY (hold_id, idx)
) STRICT, WITHOUT ROWID;
