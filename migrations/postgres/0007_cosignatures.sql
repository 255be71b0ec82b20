-- What witnesses said about trees of this log (C2SP tlog-cosignature). Beside the log, not in it: a line verifies by
-- itself under its witness's key.

CREATE TABLE IF NOT EXISTS log_cosig (
    size    BIGINT NOT NULL, -- tree size that was cosigned; its root is in log_root
    witness TEXT    NOT NULL, -- verifier key of the witness
    line    TEXT    NOT NULL, -- signature line with its newline
    time_s  BIGINT NOT NULL, -- by the witness's clock, seconds since 1970 UTC
    PRIMARY KEY (size, witness)
);
