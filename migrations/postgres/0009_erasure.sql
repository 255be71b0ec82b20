-- Erasure: what was erased and by which entry, what must not be, and what still has to be finished. None of these
-- rows says who a person is but by a keyed tag or under seal.

-- Entries whose parts were destroyed, and the entry of kind 8 that says so.
CREATE TABLE IF NOT EXISTS erased (
    idx       BIGINT  NOT NULL PRIMARY KEY,
    erased_by BIGINT  NOT NULL
);

-- Erasures whose bytes may still stand in the database's own files: its write-ahead log, its dead rows.
CREATE TABLE IF NOT EXISTS erasure_trace (
    erased_by BIGINT  NOT NULL PRIMARY KEY
);

-- Requests to erase: two people, one case, one day. An agreed one stays until the other log and the files follow.
CREATE TABLE IF NOT EXISTS erasure_request (
    erasure_id TEXT    NOT NULL PRIMARY KEY, -- UUID
    requester  TEXT    NOT NULL,             -- <kind>:<code>
    agreed     BIGINT  NOT NULL CHECK (agreed IN (0, 1)),
    expires_us BIGINT  NOT NULL,
    body       BYTEA   NOT NULL              -- what, case, ground, who asked: sealed with the log's own key
);

-- Legal holds in force: what they cover is not erased, neither on request nor when its period ends.
CREATE TABLE IF NOT EXISTS legal_hold (
    hold_id      TEXT    NOT NULL PRIMARY KEY, -- UUID
    organization TEXT    NOT NULL,             -- who put it and alone may release it, <kind>:<code>
    put_idx      BIGINT  NOT NULL              -- its own entry
);

-- What a hold covers: all entries of a chain, or one entry.
CREATE TABLE IF NOT EXISTS held_person (
    hold_id     TEXT NOT NULL,
    subject_tag BYTEA NOT NULL,
    PRIMARY KEY (hold_id, subject_tag)
);
CREATE TABLE IF NOT EXISTS held_entry (
    hold_id TEXT    NOT NULL,
    idx     BIGINT  NOT NULL,
    PRIMARY KEY (hold_id, idx)
);
