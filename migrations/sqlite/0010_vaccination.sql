-- Vaccination records of the gateway role. Persons are opaque references; no name, no individual number.
-- Civil dates are ISO 8601 text; organizations are '<kind>:<code>'.

-- One dose, once (design.md P7): one row per person, series and number. It is a lease that ends by itself, or the one
-- valid dose; the primary key lets nobody be second. The number of a series that begins anew (a season, a pregnancy)
-- stays unique because its series names it.
CREATE TABLE IF NOT EXISTS dose_slot (
    subject_ref    BLOB    NOT NULL, -- the person's survivor when it was taken
    series         TEXT    NOT NULL,
    dose_number    INTEGER NOT NULL,
    reservation_id TEXT    NOT NULL, -- UUID of the lease; empty if a dose came without one
    organization   TEXT    NOT NULL, -- who holds the lease or gave the dose
    expires_us     INTEGER NOT NULL, -- a lease counts for nothing from here on; 0 once a dose is given
    dose_id        TEXT    NOT NULL, -- the valid dose; empty while it is only a lease
    PRIMARY KEY (subject_ref, series, dose_number)
) STRICT, WITHOUT ROWID;

-- Whom a reservation was for, for a week: a shot recorded after its lease needs no card.
CREATE TABLE IF NOT EXISTS dose_reservation (
    reservation_id TEXT    NOT NULL PRIMARY KEY, -- UUID
    subject_ref    BLOB    NOT NULL,
    organization   TEXT    NOT NULL,
    body           TEXT    NOT NULL, -- JSON: vaccine, series, number, what was found and overridden
    expires_us     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dose_reservation_by_end ON dose_reservation (expires_us);

-- Every version of every dose; the highest counts. Amending and voiding add one and change none.
CREATE TABLE IF NOT EXISTS dose (
    subject_ref    BLOB    NOT NULL,
    dose_id        TEXT    NOT NULL, -- UUID
    version        INTEGER NOT NULL, -- from 1
    is_newest      INTEGER NOT NULL CHECK (is_newest IN (0, 1)),
    organization   TEXT    NOT NULL, -- who wrote this version
    performer      TEXT    NOT NULL, -- who gave the dose; empty if unknown
    payer          TEXT    NOT NULL, -- who pays; empty: nobody is asked to
    occurrence     TEXT    NOT NULL, -- day of the shot
    body           TEXT    NOT NULL, -- JSON of the whole version
    written_us     INTEGER NOT NULL,
    entry_idx      INTEGER NOT NULL, -- provenance: the leaf
    entry_position INTEGER NOT NULL, -- and the position in its chunk
    PRIMARY KEY (subject_ref, dose_id, version)
) STRICT, WITHOUT ROWID;
-- Two newest versions of one dose cannot be.
CREATE UNIQUE INDEX IF NOT EXISTS dose_newest ON dose (dose_id) WHERE is_newest = 1;
CREATE INDEX IF NOT EXISTS dose_payer ON dose (payer, occurrence, dose_id);
CREATE INDEX IF NOT EXISTS dose_performer ON dose (performer, occurrence, dose_id);

-- 接種券 and 依頼書 as their municipality sent them last.
CREATE TABLE IF NOT EXISTS dose_authorization (
    subject_ref       BLOB    NOT NULL,
    issuer            TEXT    NOT NULL,
    authorization_key TEXT    NOT NULL, -- the issuer's own
    body              TEXT    NOT NULL, -- JSON
    entry_idx         INTEGER NOT NULL,
    entry_position    INTEGER NOT NULL,
    PRIMARY KEY (subject_ref, issuer, authorization_key)
) STRICT, WITHOUT ROWID;

-- What a municipality has to be told about its residents, in the order of the log.
CREATE TABLE IF NOT EXISTS dose_feed (
    municipality TEXT    NOT NULL,
    entry_idx    INTEGER NOT NULL, -- the entry that wrote the version: the cursor
    subject_ref  BLOB    NOT NULL,
    dose_id      TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    PRIMARY KEY (municipality, entry_idx)
) STRICT, WITHOUT ROWID;

-- Up to where a municipality has said that it keeps what it was told; never moves back.
CREATE TABLE IF NOT EXISTS dose_feed_cursor (
    municipality TEXT    NOT NULL PRIMARY KEY,
    entry_idx    INTEGER NOT NULL,
    told_us      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was stopped before a shot. No person: the tag is keyed and lives only so that asking twice counts once.
CREATE TABLE IF NOT EXISTS dose_stop (
    municipality TEXT    NOT NULL, -- of residence; empty if none is known
    day          TEXT    NOT NULL,
    rule         TEXT    NOT NULL,
    vaccine      TEXT    NOT NULL,
    tag          BLOB    NOT NULL,
    overridden   INTEGER NOT NULL CHECK (overridden IN (0, 1)), -- a doctor went on with a reason
    PRIMARY KEY (municipality, day, rule, vaccine, tag)
) STRICT, WITHOUT ROWID;
