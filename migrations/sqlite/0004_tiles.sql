-- Full tiles of the log's tree (C2SP tlog-tiles). Derived from log_entry, and made again when they are missing;
-- whoever proves something reads a handful of them instead of every leaf hash.

-- Insert-only. A partial tile is never stored: it is leaf hashes, or the roots of full tiles below.
CREATE TABLE IF NOT EXISTS log_tile (
    level     INTEGER NOT NULL, -- 0 holds leaf hashes; one above holds the roots of tiles below
    n         INTEGER NOT NULL, -- place on the level, 0 from the left
    tile_root BLOB    NOT NULL, -- RFC 6962 root over the 256 hashes: one hash of the level above
    hashes    BLOB    NOT NULL, -- 256 times 32 bytes; the last column, so that roots are read without it
    PRIMARY KEY (level, n)
) STRICT;

CREATE TRIGGER IF NOT EXISTS log_tile_no_update BEFORE UPDATE ON log_tile
BEGIN SELECT RAISE(ABORT, 'log_tile is append-only'); END;
CREATE TRIGGER IF NOT EXISTS log_tile_no_delete BEFORE DELETE ON log_tile
BEGIN SELECT RAISE(ABORT, 'log_tile is append-only'); END;
