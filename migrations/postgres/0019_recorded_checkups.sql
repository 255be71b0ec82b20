-- Checkups that an institution recorded itself, and what mothers said of themselves at their children's.

-- One row for each version of an institution's record: to whom it went and when that municipality first read it. The
-- version itself is in checkup_row, in the institution's one batch that is always accepted.
CREATE TABLE IF NOT EXISTS checkup_delivery (
    sender         TEXT    NOT NULL, -- the institution, '<kind>:<code>'
    record_id      TEXT    NOT NULL,
    source_version BIGINT  NOT NULL,
    municipality   TEXT    NOT NULL, -- where the person lived then; empty: nobody knew
    resident_key   TEXT    NOT NULL, -- that municipality's key of the person
    on_behalf      BIGINT  NOT NULL CHECK (on_behalf IN (0, 1)), -- who acts for the person stood there
    urgent         BIGINT  NOT NULL CHECK (urgent IN (0, 1)), -- its scores ask that somebody hears at once
    delivered_us   BIGINT  NOT NULL,
    read_us        BIGINT  NOT NULL, -- 0: never
    read_idx       BIGINT  NOT NULL, -- the entry of that reading; 0: none
    entry_idx      BIGINT  NOT NULL, -- provenance: the leaf; an urgent case of the same entry is this version's
    PRIMARY KEY (sender, record_id, source_version)
);
CREATE INDEX IF NOT EXISTS checkup_delivery_to ON checkup_delivery (municipality, sender, record_id);
CREATE UNIQUE INDEX IF NOT EXISTS checkup_delivery_entry ON checkup_delivery (entry_idx);
CREATE INDEX IF NOT EXISTS checkup_urgent_entry ON checkup_urgent (entry_idx);

-- Which records name a mother. The rows decide what is hers; this only finds them.
CREATE TABLE IF NOT EXISTS checkup_mother (
    sender     TEXT NOT NULL,
    mother_key TEXT NOT NULL, -- the sender's key of her
    record_id  TEXT NOT NULL,
    PRIMARY KEY (sender, mother_key, record_id)
);
INSERT INTO checkup_mother (sender, mother_key, record_id)
SELECT DISTINCT sender, body::json->>'mother_key', record_id FROM checkup_row
WHERE body::json->>'mother_key' IS NOT NULL
ON CONFLICT DO NOTHING;
