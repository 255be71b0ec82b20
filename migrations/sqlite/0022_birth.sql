-- Births and losses of the gateway role, as facilities and municipalities tell them. Persons are opaque references, also a
-- child before its municipality has registered it. Municipalities and facilities are '<kind>:<code>'.

-- The end of one pregnancy.
CREATE TABLE IF NOT EXISTS birth (
    birth_id   BLOB    NOT NULL PRIMARY KEY, -- 16 random bytes, the same on both gateways
    mother_ref BLOB    NOT NULL,
    home       TEXT    NOT NULL, -- who serves her; empty: nobody had said so
    teller     TEXT    NOT NULL, -- who told first
    opened_us  INTEGER NOT NULL,
    told_us    INTEGER NOT NULL, -- when the newest was told
    entry_idx  INTEGER NOT NULL  -- the entry of the newest: its place in the home municipality's list
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS birth_home ON birth (home, entry_idx);
CREATE INDEX IF NOT EXISTS birth_mother ON birth (mother_ref);

-- What was told, in the order of the log. What is known of the children is the fold of these rows.
CREATE TABLE IF NOT EXISTS birth_event (
    birth_id  BLOB    NOT NULL,
    entry_idx INTEGER NOT NULL,
    place     INTEGER NOT NULL, -- among those of one entry, from 0
    event     TEXT    NOT NULL, -- JSON
    PRIMARY KEY (birth_id, entry_idx, place)
) STRICT, WITHOUT ROWID;

-- A provisional child. Merging it joins its reference with the resident's.
CREATE TABLE IF NOT EXISTS birth_child (
    birth_id  BLOB    NOT NULL,
    child     INTEGER NOT NULL, -- place among the children, from 1
    child_ref BLOB    NOT NULL,
    body      TEXT    NOT NULL, -- JSON of the nine items of 出生証明書
    is_silent INTEGER NOT NULL, -- 1: lost; nothing about its age is said any more
    PRIMARY KEY (birth_id, child)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS birth_child_person ON birth_child (child_ref);

-- What one officer said a child is, until a second one says the same.
CREATE TABLE IF NOT EXISTS birth_merge (
    birth_id     BLOB    NOT NULL,
    child        INTEGER NOT NULL,
    resident_key TEXT    NOT NULL,
    asked        TEXT    NOT NULL, -- JSON: by whom, at which terminal
    PRIMARY KEY (birth_id, child)
) STRICT, WITHOUT ROWID;

-- Handoffs of the mother that are still to enter an event, written in its commit (transactional outbox).
CREATE TABLE IF NOT EXISTS birth_echo (
    handoff_id BLOB    NOT NULL,
    side       INTEGER NOT NULL,
    birth_id   BLOB    NOT NULL,
    entry_idx  INTEGER NOT NULL,
    place      INTEGER NOT NULL,
    PRIMARY KEY (entry_idx, place, handoff_id, side)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS handoff_person ON handoff (subject_ref);
