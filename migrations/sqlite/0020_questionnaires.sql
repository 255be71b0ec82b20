-- What families answer before a checkup (問診票) of the gateway role. Persons are the municipality's own residents, by its key.

-- One part of one form as it stands. The log keeps that it changed, and the digests.
CREATE TABLE IF NOT EXISTS questionnaire_sheet (
    municipality TEXT    NOT NULL,
    resident_key TEXT    NOT NULL, -- of the child, or of the parent whose own part it is
    form         TEXT    NOT NULL,
    child_born   TEXT    NOT NULL, -- the parent's part: birth date of the child it is about; the child's part: empty
    revision     INTEGER NOT NULL, -- how often it changed
    body         TEXT    NOT NULL, -- JSON: version, answers with their origins, check-in
    entry_idx    INTEGER NOT NULL, -- provenance: the leaf of the last change
    PRIMARY KEY (municipality, resident_key, form, child_born)
) STRICT, WITHOUT ROWID;
