-- The store of hotspotd, version 1.
--
-- Times are Unix seconds (UTC). A row's `clock_unset` says which of its stamps were given while
-- the router did not know the time (1: created_at and modified_at, or at; 2: first_login;
-- 4: last_login); they are moved once it does.
--
-- What later versions add hangs on these tables: sessions and accounting rows point to a voucher
-- or a visitor and carry a copy of the username (accounting outlives its account); RADIUS users
-- and groups are FreeRADIUS's own five tables, keyed by username, asked after `voucher`; every
-- row already belongs to an organisation, so that a second one needs no rebuilt index.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE organisation (
    id         INTEGER PRIMARY KEY,
    slug       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL
) STRICT;
INSERT INTO organisation (id, slug, name) VALUES (1, 'default', 'Default');

-- AUTOINCREMENT: an id that a front-desk system has written down never means another voucher.
CREATE TABLE voucher (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation    INTEGER NOT NULL DEFAULT 1 REFERENCES organisation (id),
    username        TEXT NOT NULL,
    username_folded TEXT NOT NULL,
    passcode        TEXT NOT NULL,
    fullname        TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    modified_at     INTEGER NOT NULL,
    first_login     INTEGER,
    last_login      INTEGER,
    valid_seconds   INTEGER,              -- NULL: always
    valid_from      INTEGER,              -- NULL: none was asked for
    mac             TEXT,
    download_limit  INTEGER NOT NULL,     -- units of 1,048,576 bytes; 0: unlimited
    upload_limit    INTEGER NOT NULL,
    clock_unset     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (organisation, username_folded)
) STRICT;

-- Everybody who signs in without a voucher.
CREATE TABLE visitor (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL DEFAULT 1 REFERENCES organisation (id),
    kind         TEXT NOT NULL CHECK (kind IN ('email', 'facebook', 'mobile', 'free')),
    identity     TEXT NOT NULL,           -- address, number or Facebook id; '' for 'free'
    name         TEXT,
    email        TEXT,
    picture      TEXT,
    mac          TEXT,
    visits       INTEGER NOT NULL DEFAULT 0,
    comments     TEXT,
    comments1    TEXT,
    comments2    TEXT,
    marketing    INTEGER NOT NULL DEFAULT 0,
    verified     INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    modified_at  INTEGER NOT NULL,
    last_login   INTEGER
) STRICT;
CREATE INDEX visitor_by_kind ON visitor (kind);

CREATE TABLE login (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL DEFAULT 1 REFERENCES organisation (id),
    at           INTEGER NOT NULL,
    method       TEXT NOT NULL,
    login        TEXT NOT NULL,
    mac          TEXT,
    address      TEXT,
    refusal      TEXT,                    -- NULL: let in
    clock_unset  INTEGER NOT NULL DEFAULT 0
) STRICT;
