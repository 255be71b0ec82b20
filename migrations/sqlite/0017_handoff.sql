-- Handoffs of the gateway role, each side by itself: a gateway may serve home, the stay side, or both. Persons are opaque
-- references, and the two sides share none. Municipalities are 'municipality:<code>'; instants are microseconds.

-- One side of one handoff.
CREATE TABLE IF NOT EXISTS handoff (
    handoff_id   BLOB    NOT NULL, -- 16 random bytes, the same on both sides
    side         INTEGER NOT NULL CHECK (side IN (1, 2)), -- home, stay
    municipality TEXT    NOT NULL, -- who this side is
    other        TEXT    NOT NULL, -- with whom
    subject_ref  BLOB    NOT NULL, -- the mother; empty on the stay side until she presents her card
    resident_key TEXT    NOT NULL, -- home's own key of her; empty on the stay side
    opened_us    INTEGER NOT NULL,
    PRIMARY KEY (handoff_id, side)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS handoff_municipality ON handoff (municipality, opened_us);

-- What that side's log enters about it. The state is the fold of these rows in the log's order, and nothing else.
CREATE TABLE IF NOT EXISTS handoff_step (
    handoff_id BLOB    NOT NULL,
    side       INTEGER NOT NULL,
    entry_idx  INTEGER NOT NULL, -- the entry, by whose leaf the other side cites it
    written_us INTEGER NOT NULL, -- the entry's time
    act        TEXT    NOT NULL, -- JSON
    PRIMARY KEY (handoff_id, side, entry_idx)
) STRICT, WITHOUT ROWID;

-- Messages of the other side that were verified and entered, so that the same one again gives the same answer, and an accept
-- can be verified again before each disclosure that rests on it.
CREATE TABLE IF NOT EXISTS handoff_heard (
    handoff_id BLOB    NOT NULL,
    side       INTEGER NOT NULL,
    leaf_hash  BLOB    NOT NULL, -- of the other side's entry
    message    BLOB    NOT NULL, -- with its receipt, as it came
    answer     BLOB    NOT NULL, -- ours without its receipt
    entry_idx  INTEGER NOT NULL, -- our entry
    PRIMARY KEY (handoff_id, side, leaf_hash)
) STRICT, WITHOUT ROWID;

-- What the other side is to be told, written in the commit of the entry that says it (transactional outbox).
CREATE TABLE IF NOT EXISTS handoff_outbox (
    handoff_id BLOB    NOT NULL,
    side       INTEGER NOT NULL, -- who tells
    entry_idx  INTEGER NOT NULL,
    receiver   TEXT    NOT NULL,
    message    BLOB    NOT NULL, -- the recorded response without its receipt
    attempts   INTEGER NOT NULL,
    next_us    INTEGER NOT NULL, -- when to try
    answer     BLOB    NOT NULL, -- the receiver's answer with its receipt, verified; empty until then
    PRIMARY KEY (handoff_id, side, entry_idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS handoff_outbox_due ON handoff_outbox (next_us);
