-- The tamper-evident log (RFC 6962 tree). One log per database.
-- Only log_head is ever updated; everything else is insert-only or erasable.
-- Instants are microseconds since 1970 UTC. Hashes are SHA-256, 32 bytes.

-- The one row that every append locks and moves.
CREATE TABLE IF NOT EXISTS log_head (
    log_id   INTEGER NOT NULL PRIMARY KEY CHECK (log_id = 1),
    size     INTEGER NOT NULL CHECK (size >= 0), -- number of entries
    root     BLOB    NOT NULL,                   -- RFC 6962 root of `size` entries
    frontier BLOB    NOT NULL,                   -- compact range: right-edge hashes
    time_us  INTEGER NOT NULL,                   -- time of the newest entry, never decreases
    registry INTEGER NOT NULL                    -- version of the directory, raised by every change of it
) STRICT;

-- The entries.
CREATE TABLE IF NOT EXISTS log_entry (
    idx       INTEGER NOT NULL PRIMARY KEY, -- 0 .. size-1 without gaps
    leaf      BLOB    NOT NULL,             -- leaf format 1
    leaf_hash BLOB    NOT NULL              -- SHA-256(0x00 || leaf)
) STRICT;

-- One root per committed batch: the history of checkpoints.
CREATE TABLE IF NOT EXISTS log_root (
    size    INTEGER NOT NULL PRIMARY KEY, -- tree size after the batch
    root    BLOB    NOT NULL,
    time_us INTEGER NOT NULL
) STRICT;

-- Which attempt became which entry: makes the gateway's own retry safe.
CREATE TABLE IF NOT EXISTS log_event (
    event_id BLOB    NOT NULL PRIMARY KEY, -- 16 random bytes of one attempt
    idx      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Openings of an entry's four commitments, sealed together. Erasable; the leaf
-- and its proofs stay. One row, because each further one costs every call.
CREATE TABLE IF NOT EXISTS audit_part (
    idx    INTEGER NOT NULL PRIMARY KEY,
    key_id BLOB NOT NULL, -- subject_key that seals them; 16 zero bytes: the log's own key
    parts  BLOB NOT NULL  -- AES-256-GCM-SIV of (salt, body) of subject, chain, actor, detail
) STRICT;

-- Entries by person; the row of the highest seq is the head of the person's chain. The others are erasable.
CREATE TABLE IF NOT EXISTS subject_ix (
    subject_tag BLOB    NOT NULL,
    seq         INTEGER NOT NULL,
    idx         INTEGER NOT NULL,
    PRIMARY KEY (subject_tag, seq)
) STRICT, WITHOUT ROWID;

-- Keys of persons, wrapped. Destroying one erases its bodies in every copy.
CREATE TABLE IF NOT EXISTS subject_key (
    key_id      BLOB NOT NULL PRIMARY KEY, -- 16 random bytes
    wrapped_key BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- First answers of writes, replayed when a request is repeated (7 days).
CREATE TABLE IF NOT EXISTS idempotency (
    organization    TEXT    NOT NULL, -- <kind>:<code>
    method          INTEGER NOT NULL,
    idempotency_key TEXT    NOT NULL, -- UUID
    request_sha256  BLOB    NOT NULL,
    answer          BLOB    NOT NULL, -- sealed with the log's own key
    expires_us      INTEGER NOT NULL,
    PRIMARY KEY (organization, method, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idempotency_expires ON idempotency (expires_us);

-- Appending is the only change. Housekeeping, not the security argument.
CREATE TRIGGER IF NOT EXISTS log_entry_no_update BEFORE UPDATE ON log_entry
BEGIN SELECT RAISE(ABORT, 'log_entry is append-only'); END;
CREATE TRIGGER IF NOT EXISTS log_entry_no_delete BEFORE DELETE ON log_entry
BEGIN SELECT RAISE(ABORT, 'log_entry is append-only'); END;
CREATE TRIGGER IF NOT EXISTS log_root_no_update BEFORE UPDATE ON log_root
BEGIN SELECT RAISE(ABORT, 'log_root is append-only'); END;
CREATE TRIGGER IF NOT EXISTS log_root_no_delete BEFORE DELETE ON log_root
BEGIN SELECT RAISE(ABORT, 'log_root is append-only'); END;
