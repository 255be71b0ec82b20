-- What a handoff's reports and wishes leave waiting for a person, by time; and the order in which a watch tells steps.

-- An index of handoff_step by time: the fold of the steps alone says what waits. A row goes when a person has read it.
CREATE TABLE IF NOT EXISTS handoff_alarm (
    handoff_id BYTEA   NOT NULL,
    side       BIGINT  NOT NULL, -- on whose side it waits to be read, or to be heard of
    entry_idx  BIGINT  NOT NULL, -- the step that raised it
    due_us     BIGINT  NOT NULL, -- from when on it is escalated
    PRIMARY KEY (handoff_id, side, entry_idx)
);
CREATE INDEX IF NOT EXISTS handoff_alarm_due ON handoff_alarm (due_us);

CREATE INDEX IF NOT EXISTS handoff_step_entry ON handoff_step (entry_idx);
