-- What a vaccination register says of itself, and doses that no municipality has been told of.
-- Civil dates are ISO 8601 text; organizations are '<kind>:<code>'.

-- Up to which day a municipality's register of past doses is here. One imported row proves nothing: without such a word a
-- history may have holes.
CREATE TABLE IF NOT EXISTS dose_register (
    issuer           TEXT    NOT NULL,
    resident_key     TEXT    NOT NULL, -- the issuer's own; empty: all its residents
    complete_through TEXT    NOT NULL,
    told_us          BIGINT  NOT NULL,
    entry_idx        BIGINT  NOT NULL, -- provenance: the leaf
    PRIMARY KEY (issuer, resident_key)
);

-- Doses recorded while nobody knew where the person lives. The municipality that links the card asks for them.
CREATE TABLE IF NOT EXISTS dose_untold (
    dose_id     TEXT  NOT NULL PRIMARY KEY, -- UUID
    subject_ref BYTEA NOT NULL
);
CREATE INDEX IF NOT EXISTS dose_untold_subject ON dose_untold (subject_ref);

-- Those from before this step; only a municipality's own residents' are read, so nobody learns of a stranger's.
INSERT INTO dose_untold (dose_id, subject_ref)
SELECT d.dose_id, d.subject_ref FROM dose d
WHERE d.is_newest = 1 AND d.organization NOT LIKE 'municipality:%'
  AND NOT EXISTS (SELECT 1 FROM dose_feed t WHERE t.dose_id = d.dose_id);
