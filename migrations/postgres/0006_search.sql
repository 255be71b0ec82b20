-- What makes the log searchable. search_block and search_mark are derived from
-- the log, written behind it and never the record: drop their rows, and they are
-- made anew. Organizations are '<kind>:<code>'.

-- Which words occur in a full block of 256 entries: a search reads only blocks in
-- which all of its words occur. The empty word stands in every indexed block.
CREATE TABLE IF NOT EXISTS search_block (
    word  TEXT    NOT NULL, -- 'r:' requester, 'h:' holder, 'm:' method, 'p:' purpose, 'o:' outcome, 'k:' kind, 'c:' category bit
    block BIGINT NOT NULL, -- entries block * 256 .. block * 256 + 255
    PRIMARY KEY (word, block)
);

-- Entries that bear a mark which their leaf does not show. Outlives the parts it
-- was read from: an erasure hides no broken glass.
CREATE TABLE IF NOT EXISTS search_mark (
    mark TEXT    NOT NULL, -- 'b' break-glass, 'x:' and a keyed hash of a case or warrant reference
    idx  BIGINT NOT NULL,
    PRIMARY KEY (mark, idx)
);

-- Requests of auditors to search by person: two people, one case, one day.
CREATE TABLE IF NOT EXISTS person_search (
    search_id  TEXT    NOT NULL PRIMARY KEY, -- UUID
    requester  TEXT    NOT NULL,
    approved   BIGINT NOT NULL CHECK (approved IN (0, 1)),
    expires_us BIGINT NOT NULL,
    body       BYTEA   NOT NULL -- person, case, ground, who asked: sealed with the log's own key
);
CREATE INDEX IF NOT EXISTS person_search_expires ON person_search (expires_us);
