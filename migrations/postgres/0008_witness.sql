-- A witness's memory (C2SP tlog-witness). In a database of its own, in the role of a witness alone.

CREATE TABLE IF NOT EXISTS witness_head (
    origin TEXT    NOT NULL PRIMARY KEY,
    size   BIGINT NOT NULL CHECK (size >= 0), -- the largest tree cosigned; never decreases
    root   BYTEA    NOT NULL
);
