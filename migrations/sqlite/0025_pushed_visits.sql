-- An institution sends a day's records in one commit: an entry is no longer one record's.

-- Whose record raised a case; a municipality's own row is not here. It outlives the record, as the case does.
CREATE TABLE IF NOT EXISTS checkup_urgent_sender (
    municipality TEXT NOT NULL,
    case_id      TEXT NOT NULL,
    sender       TEXT NOT NULL, -- the institution, '<kind>:<code>'
    record_id    TEXT NOT NULL,
    PRIMARY KEY (municipality, case_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS checkup_urgent_sender_record ON checkup_urgent_sender (municipality, sender, record_id);
INSERT INTO checkup_urgent_sender (municipality, case_id, sender, record_id)
SELECT u.municipality, u.case_id, d.sender, d.record_id
FROM checkup_urgent u JOIN checkup_delivery d ON d.entry_idx = u.entry_idx AND d.record_id = u.record_id
WHERE true
ON CONFLICT DO NOTHING;
DROP INDEX IF EXISTS checkup_urgent_entry;
DROP INDEX IF EXISTS checkup_delivery_entry;
