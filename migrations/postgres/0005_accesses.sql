-- "Who looked at my data?": guardians' lists, delays of display, questions and answers.
-- Everything that says who a person is stays an opaque reference or a keyed tag.

-- Guardians of a child, as municipalities verified them; auth keeps the relation that opens the child. Here it says
-- whose list of accesses takes the entries about the child.
CREATE TABLE IF NOT EXISTS guardian (
    child    BYTEA   NOT NULL, -- subject_ref of the resident
    guardian BYTEA   NOT NULL, -- subject_ref of the resident
    issuer   TEXT    NOT NULL,
    until    TEXT    NOT NULL, -- last day
    from_idx BIGINT  NOT NULL, -- the entry that began it: the first one of this stretch of the guardian's list
    end_idx  BIGINT  NOT NULL, -- the entry that ended it: the last one of the guardian's list; -1 while in force
    PRIMARY KEY (child, guardian, issuer)
);
CREATE INDEX IF NOT EXISTS guardian_guardian ON guardian (guardian);

-- Who read: so that readers know their own look-ups, and a guardian learns nothing of another's.
CREATE TABLE IF NOT EXISTS access_reader (
    idx    BIGINT  NOT NULL PRIMARY KEY, -- the entry of the look-up
    reader BYTEA   NOT NULL              -- keyed tag of the reader's reference
);

-- Entries whose display the law delays.
CREATE TABLE IF NOT EXISTS access_delay (
    idx      BIGINT  NOT NULL PRIMARY KEY,
    until_us BIGINT  NOT NULL,
    ground   TEXT    NOT NULL -- the provision
);

-- A citizen questions an entry; the organization that asked then answers.
CREATE TABLE IF NOT EXISTS access_question (
    question_id  TEXT    NOT NULL PRIMARY KEY, -- UUID
    entry_idx    BIGINT  NOT NULL,             -- the questioned entry
    organization TEXT    NOT NULL,             -- who has to answer, <kind>:<code>
    subject_ref  BYTEA   NOT NULL,             -- whom the questioned entry is about
    reader       BYTEA   NOT NULL,             -- keyed tag of who asks
    reason       BIGINT  NOT NULL,             -- number of the contract
    key_id       BYTEA   NOT NULL,             -- subject_key that seals both texts
    question     BYTEA   NOT NULL,             -- sealed text; empty: none
    question_idx BIGINT  NOT NULL,             -- the question's own entry
    asked_us     BIGINT  NOT NULL,
    due_us       BIGINT  NOT NULL,
    answer       BYTEA   NOT NULL,             -- sealed text; empty: not answered
    answer_idx   BIGINT  NOT NULL,             -- the answer's own entry; -1: not answered
    answered_us  BIGINT  NOT NULL              -- 0: not answered
);
CREATE UNIQUE INDEX IF NOT EXISTS access_question_entry ON access_question (entry_idx, reader);
CREATE INDEX IF NOT EXISTS access_question_organization ON access_question (organization, question_idx);
