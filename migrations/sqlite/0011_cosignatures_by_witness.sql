-- How far a witness has followed is asked of each witness in every round, and of several for a cosigned receipt.

CREATE INDEX IF NOT EXISTS log_cosig_witness ON log_cosig (witness, size);
