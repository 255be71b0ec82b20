-- A mother's card at a facility of the stay side finds her handoffs, and those of an earlier reference of hers.

CREATE INDEX IF NOT EXISTS handoff_subject ON handoff (subject_ref);
