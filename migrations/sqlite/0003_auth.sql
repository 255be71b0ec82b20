-- What the auth role knows: cards and persons, no records. No serial number,
-- no distinguished name and no certificate is stored.

-- A person: 128 random bits that never leave this database.
CREATE TABLE IF NOT EXISTS person (
    person     BLOB    NOT NULL PRIMARY KEY,
    created_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Persons minted for an issuer's resident; a repeated request finds the same.
CREATE TABLE IF NOT EXISTS minted (
    mint_key BLOB NOT NULL PRIMARY KEY, -- HMAC(credential key, issuer and resident key)
    person   BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS minted_person ON minted (person);

-- Two persons that turned out to be one.
CREATE TABLE IF NOT EXISTS person_alias (
    person     BLOB    NOT NULL PRIMARY KEY,
    survivor   BLOB    NOT NULL,
    created_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS person_alias_survivor ON person_alias (survivor);

-- A card's or phone's certificate.
CREATE TABLE IF NOT EXISTS credential (
    cred_hash    BLOB    NOT NULL PRIMARY KEY, -- HMAC(credential key, digest of CA key and serial)
    person       BLOB    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('CARD', 'MOBILE')),
    not_after_us INTEGER NOT NULL,
    linked       INTEGER NOT NULL CHECK (linked IN (0, 1)), -- an issuer or directory has said who it is
    created_us   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS credential_person ON credential (person);

-- Guardian and child, verified by a municipality.
CREATE TABLE IF NOT EXISTS relation (
    guardian         BLOB    NOT NULL,
    child            BLOB    NOT NULL,
    issuer           TEXT    NOT NULL,
    child_birth_date TEXT    NOT NULL,
    until            TEXT    NOT NULL,
    ended            INTEGER NOT NULL CHECK (ended IN (0, 1)),
    PRIMARY KEY (guardian, child, issuer)
) STRICT, WITHOUT ROWID;

-- Nonces already used: the replay guard of all replicas.
CREATE TABLE IF NOT EXISTS used_presentation (
    nonce_hash BLOB    NOT NULL PRIMARY KEY,
    expires_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_presentation_expires ON used_presentation (expires_us);

-- A card was presented to an organization.
CREATE TABLE IF NOT EXISTS presence (
    handle_hash  BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the secret handle
    pres_id      BLOB    NOT NULL,             -- public id in tokens; changes when narrowed
    organization TEXT    NOT NULL,
    holder       BLOB    NOT NULL,             -- person of the card
    person       BLOB    NOT NULL,             -- person it opens: the holder or a child
    body         TEXT    NOT NULL,             -- JSON: purposes, scopes, consent, method, tier
    until_us     INTEGER NOT NULL,
    ended        INTEGER NOT NULL CHECK (ended IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS presence_holder ON presence (holder);
CREATE INDEX IF NOT EXISTS presence_person ON presence (person);

-- Public presence ids whose tokens end at once, until the last of them expires.
CREATE TABLE IF NOT EXISTS ended_presence (
    pres_id    BLOB    NOT NULL PRIMARY KEY,
    expires_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ended_presence_expires ON ended_presence (expires_us);
