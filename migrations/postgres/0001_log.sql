-- The tamper-evident log (RFC 6962 tree). One log per database.
-- Only log_head is ever updated; everything else is insert-only or erasable.
-- Instants are microseconds since 1970 UTC. Hashes are SHA-256, 32 bytes.

-- The one row that every append locks and moves.
CREATE TABLE IF NOT EXISTS log_head (
    log_id   BIGINT NOT NULL PRIMARY KEY CHECK (log_id = 1),
    size     BIGINT NOT NULL CHECK (size >= 0), -- number of entries
    root     BYTEA    NOT NULL,                   -- RFC 6962 root of `size` entries
    frontier BYTEA    NOT NULL,                   -- compact range: right-edge hashes
    time_us  BIGINT NOT NULL,                   -- time of the newest entry, never decreases
    registry BIGINT NOT NULL                    -- version of the directory, raised by every change of it
);

-- The entries.
CREATE TABLE IF NOT EXISTS log_entry (
    idx       BIGINT NOT NULL PRIMARY KEY, -- 0 .. size-1 without gaps
    leaf      BYTEA    NOT NULL,             -- leaf format 1
    leaf_hash BYTEA    NOT NULL              -- SHA-256(0x00 || leaf)
);

-- One root per committed batch: the history of checkpoints.
CREATE TABLE IF NOT EXISTS log_root (
    size    BIGINT NOT NULL PRIMARY KEY, -- tree size after the batch
    root    BYTEA    NOT NULL,
    time_us BIGINT NOT NULL
);

-- Which attempt became which entry: makes the gateway's own retry safe.
CREATE TABLE IF NOT EXISTS log_event (
    event_id BYTEA    NOT NULL PRIMARY KEY, -- 16 random bytes of one attempt
    idx      BIGINT NOT NULL
);

-- Openings of an entry's four commitments, sealed together. Erasable; the leaf
-- and its proofs stay. One row, because each further one costs every call.
CREATE TABLE IF NOT EXISTS audit_part (
    idx    BIGINT NOT NULL PRIMARY KEY,
    key_id BYTEA NOT NULL, -- subject_key that seals them; 16 zero bytes: the log's own key
    parts  BYTEA NOT NULL  -- AES-256-GCM-SIV of (salt, body) of subject, chain, actor, detail
);

-- Entries by person; the row of the highest seq is the head of the person's chain. The others are erasable.
CREATE TABLE IF NOT EXISTS subject_ix (
    subject_tag BYTEA    NOT NULL,
    seq         BIGINT NOT NULL,
    idx         BIGINT NOT NULL,
    PRIMARY KEY (subject_tag, seq)
);

-- Keys of persons, wrapped. Destroying one erases its bodies in every copy.
CREATE TABLE IF NOT EXISTS subject_key (
    key_id      BYTEA NOT NULL PRIMARY KEY, -- 16 random bytes
    wrapped_key BYTEA NOT NULL
);

-- First answers of writes, replayed when a request is repeated (7 days).
CREATE TABLE IF NOT EXISTS idempotency (
    organization    TEXT    NOT NULL, -- <kind>:<code>
    method          BIGINT NOT NULL,
    idempotency_key TEXT    NOT NULL, -- UUID
    request_sha256  BYTEA    NOT NULL,
    answer          BYTEA    NOT NULL, -- sealed with the log's own key
    expires_us      BIGINT NOT NULL,
    PRIMARY KEY (organization, method, idempotency_key)
);
CREATE INDEX IF NOT EXISTS idempotency_expires ON idempotency (expires_us);

-- Appending is the only change. In production the gateway's role has no
-- UPDATE, DELETE or TRUNCATE on log_entry and log_root (docs/operations.md);
-- triggers are left out because not every PostgreSQL-wire engine has them.
