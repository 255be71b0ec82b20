-- What the auth role knows: cards and persons, no records. No serial number,
-- no distinguished name and no certificate is stored.

-- A person: 128 random bits that never leave this database.
CREATE TABLE IF NOT EXISTS person (
    person     BYTEA    NOT NULL PRIMARY KEY,
    created_us BIGINT NOT NULL
);

-- Persons minted for an issuer's resident; a repeated request finds the same.
CREATE TABLE IF NOT EXISTS minted (
    mint_key BYTEA NOT NULL PRIMARY KEY, -- HMAC(credential key, issuer and resident key)
    person   BYTEA NOT NULL
);
CREATE INDEX IF NOT EXISTS minted_person ON minted (person);

-- Two persons that turned out to be one.
CREATE TABLE IF NOT EXISTS person_alias (
    person     BYTEA    NOT NULL PRIMARY KEY,
    survivor   BYTEA    NOT NULL,
    created_us BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS person_alias_survivor ON person_alias (survivor);

-- A card's or phone's certificate.
CREATE TABLE IF NOT EXISTS credential (
    cred_hash    BYTEA    NOT NULL PRIMARY KEY, -- HMAC(credential key, digest of CA key and serial)
    person       BYTEA    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('CARD', 'MOBILE')),
    not_after_us BIGINT NOT NULL,
    linked       BIGINT NOT NULL CHECK (linked IN (0, 1)), -- an issuer or directory has said who it is
    created_us   BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS credential_person ON credential (person);

-- Guardian and child, verified by a municipality.
CREATE TABLE IF NOT EXISTS relation (
    guardian         BYTEA    NOT NULL,
    child            BYTEA    NOT NULL,
    issuer           TEXT    NOT NULL,
    child_birth_date TEXT    NOT NULL,
    until            TEXT    NOT NULL,
    ended            BIGINT NOT NULL CHECK (ended IN (0, 1)),
    PRIMARY KEY (guardian, child, issuer)
);

-- Nonces already used: the replay guard of all replicas.
CREATE TABLE IF NOT EXISTS used_presentation (
    nonce_hash BYTEA    NOT NULL PRIMARY KEY,
    expires_us BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS used_presentation_expires ON used_presentation (expires_us);

-- A card was presented to an organization.
CREATE TABLE IF NOT EXISTS presence (
    handle_hash  BYTEA    NOT NULL PRIMARY KEY, -- SHA-256 of the secret handle
    pres_id      BYTEA    NOT NULL,             -- public id in tokens; changes when narrowed
    organization TEXT    NOT NULL,
    holder       BYTEA    NOT NULL,             -- person of the card
    person       BYTEA    NOT NULL,             -- person it opens: the holder or a child
    body         TEXT    NOT NULL,             -- JSON: purposes, scopes, consent, method, tier
    until_us     BIGINT NOT NULL,
    ended        BIGINT NOT NULL CHECK (ended IN (0, 1))
);
CREATE INDEX IF NOT EXISTS presence_holder ON presence (holder);
CREATE INDEX IF NOT EXISTS presence_person ON presence (person);

-- Public presence ids whose tokens end at once, until the last of them expires.
CREATE TABLE IF NOT EXISTS ended_presence (
    pres_id    BYTEA    NOT NULL PRIMARY KEY,
    expires_us BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS ended_presence_expires ON ended_presence (expires_us);
