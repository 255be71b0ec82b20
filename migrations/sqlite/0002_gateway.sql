-- Records of the gateway role, keyed by an opaque subject_ref (32 bytes, AES-SIV
-- of the person under auth's key). No name, no address, no individual number.
-- Civil dates are ISO 8601 text; organizations are '<kind>:<code>'.

-- Participants.
CREATE TABLE IF NOT EXISTS organization (
    organization TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    suspended    INTEGER NOT NULL CHECK (suspended IN (0, 1)),
    update_us    INTEGER NOT NULL
) STRICT;

-- Who is competent for which scheme since when.
CREATE TABLE IF NOT EXISTS competence (
    issuer TEXT NOT NULL,
    law_no TEXT NOT NULL,
    since  TEXT NOT NULL,
    body   TEXT NOT NULL, -- JSON of the competence
    PRIMARY KEY (issuer, law_no, since)
) STRICT;

-- As-of instant up to which an issuer's data for a scheme is complete.
CREATE TABLE IF NOT EXISTS watermark (
    issuer TEXT    NOT NULL,
    law_no TEXT    NOT NULL,
    as_of_us INTEGER NOT NULL,
    PRIMARY KEY (issuer, law_no)
) STRICT;

-- Which references are one person. Every known person has a row for itself.
CREATE TABLE IF NOT EXISTS subject_alias (
    subject_ref BLOB NOT NULL PRIMARY KEY,
    survivor    BLOB NOT NULL,
    created_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS subject_alias_survivor ON subject_alias (survivor);

-- An issuer's own key of a person.
CREATE TABLE IF NOT EXISTS resident_link (
    subject_ref BLOB    NOT NULL,
    issuer       TEXT    NOT NULL,
    resident_key TEXT    NOT NULL,
    body         TEXT    NOT NULL, -- JSON: birth date, sex, removal
    restriction  INTEGER NOT NULL, -- bits: 1 non-disclosure, 2 protective
    PRIMARY KEY (subject_ref, issuer, resident_key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS resident_link_key ON resident_link (issuer, resident_key);

-- Every version of every right, as its issuer sent it.
CREATE TABLE IF NOT EXISTS entitlement (
    subject_ref         BLOB    NOT NULL,
    issuer              TEXT    NOT NULL,
    resident_key        TEXT    NOT NULL,
    certificate_type_id TEXT    NOT NULL,
    sub_key             TEXT    NOT NULL,
    history_key         TEXT    NOT NULL,
    payer_number        TEXT    NOT NULL, -- empty if none
    recipient_number    TEXT    NOT NULL, -- empty if none
    body                TEXT    NOT NULL, -- JSON of the whole version
    entry_idx           INTEGER NOT NULL, -- provenance: leaf of the chunk
    entry_position      INTEGER NOT NULL, -- and position in it
    PRIMARY KEY (subject_ref, issuer, resident_key, certificate_type_id, sub_key, history_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entitlement_numbers ON entitlement (payer_number, recipient_number);

-- Rows held apart because a value looks like an individual number. The value
-- itself is not kept: only that, from whom and when.
CREATE TABLE IF NOT EXISTS quarantine (
    issuer    TEXT    NOT NULL,
    batch_id  TEXT    NOT NULL,
    row_id    TEXT    NOT NULL,
    field     TEXT    NOT NULL,
    held_us   INTEGER NOT NULL,
    PRIMARY KEY (issuer, batch_id, row_id)
) STRICT;

-- Outcome of each row of a batch, so that the same batch resumes and repeats.
CREATE TABLE IF NOT EXISTS bulk_row (
    organization TEXT    NOT NULL,
    method       INTEGER NOT NULL,
    batch_id     TEXT    NOT NULL, -- UUID
    row_id       TEXT    NOT NULL,
    row_sha256   BLOB    NOT NULL,
    result       BLOB    NOT NULL, -- the row's first result as sent
    expires_us   INTEGER NOT NULL,
    PRIMARY KEY (organization, method, batch_id, row_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS bulk_row_expires ON bulk_row (expires_us);

-- A clinic's proposal to link a card to an issuer's resident.
CREATE TABLE IF NOT EXISTS link_proposal (
    proposal_id  TEXT    NOT NULL PRIMARY KEY, -- UUID
    subject_ref  BLOB    NOT NULL,             -- the card's person
    proposed_by  TEXT    NOT NULL,
    issuer       TEXT    NOT NULL,             -- empty if nothing matched
    resident_key TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('PROPOSED', 'CONFIRMED', 'REFUSED', 'UNDONE')),
    created_us   INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS link_proposal_issuer ON link_proposal (issuer, state);
