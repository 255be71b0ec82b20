-- Group checkups (集団健診) of the gateway role: days with places. Persons are the municipality's own residents, by its key.

-- A day and hall of one group checkup.
CREATE TABLE IF NOT EXISTS checkup_session (
    municipality TEXT    NOT NULL,
    group_id     TEXT    NOT NULL, -- the municipality's own
    session_id   TEXT    NOT NULL, -- the municipality's own
    capacity     INTEGER NOT NULL,
    body         TEXT    NOT NULL, -- JSON: kind, day, time, hall
    entry_idx    INTEGER NOT NULL, -- provenance: the leaf of the last change
    PRIMARY KEY (municipality, group_id, session_id)
) STRICT, WITHOUT ROWID;

-- Who has a place: one in a group. A place is a numbered seat, so that the database alone sells none twice.
CREATE TABLE IF NOT EXISTS checkup_seat (
    municipality TEXT    NOT NULL,
    group_id     TEXT    NOT NULL,
    resident_key TEXT    NOT NULL,
    session_id   TEXT    NOT NULL,
    seat         INTEGER NOT NULL, -- from 1
    entry_idx    INTEGER NOT NULL,
    PRIMARY KEY (municipality, group_id, resident_key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS checkup_seat_once ON checkup_seat (municipality, group_id, session_id, seat);

-- Who waits for a place: for one session of a group, in the order of the log.
CREATE TABLE IF NOT EXISTS checkup_waiting (
    municipality TEXT    NOT NULL,
    group_id     TEXT    NOT NULL,
    resident_key TEXT    NOT NULL,
    session_id   TEXT    NOT NULL,
    since_idx    INTEGER NOT NULL, -- the leaf of the request
    PRIMARY KEY (municipality, group_id, resident_key)
) STRICT, WITHOUT ROWID;
