-- 受診券・補助券 of the gateway role. Persons are opaque references; issuers and institutions are '<kind>:<code>'.

-- A ticket as it stands. Every change is written on condition of the state it was decided on, so that even a wrong
-- decision could not use one twice.
CREATE TABLE IF NOT EXISTS ticket (
    issuer       TEXT    NOT NULL,
    number       TEXT    NOT NULL, -- as printed, unique inside the issuer
    subject_ref  BYTEA   NOT NULL,
    resident_key TEXT    NOT NULL,
    state        BIGINT  NOT NULL CHECK (state IN (1, 2, 3)), -- issued, used, void
    record_id    TEXT    NOT NULL, -- '<institution>/<its visit>' that used it; empty: none
    body         TEXT    NOT NULL, -- JSON
    entry_idx    BIGINT  NOT NULL, -- provenance: the leaf of the last change
    CHECK ((state = 2) = (record_id <> '')),
    PRIMARY KEY (issuer, number)
);
CREATE INDEX IF NOT EXISTS ticket_person ON ticket (subject_ref);
CREATE INDEX IF NOT EXISTS ticket_resident ON ticket (issuer, resident_key);

-- How many more than fourteen a municipality gives, by the first day of issue on which the rule holds.
CREATE TABLE IF NOT EXISTS ticket_rule (
    issuer    TEXT    NOT NULL,
    first_day TEXT    NOT NULL,
    body      TEXT    NOT NULL, -- JSON
    entry_idx BIGINT  NOT NULL,
    PRIMARY KEY (issuer, first_day)
);
