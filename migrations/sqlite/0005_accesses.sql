-- "Who looked at my data?": guardians' lists, delays of display, questions and answers.
-- Everything that says who a person is stays an opaque reference or a keyed tag.

-- Guardians of a child, as municipalities verified them; auth keeps the relation that opens the child. Here it says
-- whose list of accesses takes the entries about the child.
CREATE TABLE IF NOT EXISTS guardian (
    child    BLOB    NOT NULL, -- subject_ref of the resident
    guardian BLOB    NOT NULL, -- subject_ref of the resident
    issuer   TEXT    NOT NULL,
    until    TEXT    NOT NULL, -- last day
    from_idx INTEGER NOT NULL, -- the entry that began it: the first one of this stretch of the guardian's list
    end_idx  INTEGER NOT NULL, -- the entry that ended it: the last one of the guardian's list; -1 while in force
    PRIMARY KEY (child, guardian, issuer)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS guardian_guardian ON guardian (guardian);

-- Who read: so that readers know their own look-ups, and a guardian learns nothing of another's.
CREATE TABLE IF NOT EXISTS access_reader (
    idx    INTEGER NOT NULL PRIMARY KEY, -- the entry of the look-up
    reader BLOB    NOT NULL              -- keyed tag of the reader's reference
) STRICT;

-- Entries whose display the law delays.
CREATE TABLE IF NOT EXISTS access_delay (
    idx      INTEGER NOT NULL PRIMARY KEY,
    until_us INTEGER NOT NULL,
    ground   TEXT    NOT NULL -- the provision
) STRICT;

-- A citizen questions an entry; the organization that asked then answers.
CREATE TABLE IF NOT EXISTS access_question (
    question_id  TEXT    NOT NULL PRIMARY KEY, -- UUID
    entry_idx    INTEGER NOT NULL,             -- the questioned entry
    organization TEXT    NOT NULL,             -- who has to answer, <kind>:<code>
    subject_ref  BLOB    NOT NULL,             -- whom the questioned entry is about
    reader       BLOB    NOT NULL,             -- keyed tag of who asks
    reason       INTEGER NOT NULL,             -- number of the contract
    key_id       BLOB    NOT NULL,             -- subject_key that seals both texts
    question     BLOB    NOT NULL,             -- sealed text; empty: none
    question_idx INTEGER NOT NULL,             -- the question's own entry
    asked_us     INTEGER NOT NULL,
    due_us       INTEGER NOT NULL,
    answer       BLOB    NOT NULL,             -- sealed text; empty: not answered
    answer_idx   INTEGER NOT NULL,             -- the answer's own entry; -1: not answered
    answered_us  INTEGER NOT NULL              -- 0: not answered
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS access_question_entry ON access_question (entry_idx, reader);
CREATE INDEX IF NOT EXISTS access_question_organization ON access_question (organization, question_idx);
