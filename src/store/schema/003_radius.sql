-- Access points: what the operator wants of users and groups, and sessions that are elsewhere.

-- FreeRADIUS's five tables (raddb/mods-config/sql/main/sqlite/schema.sql). `username_folded` is
-- what is searched for: phones capitalise names.
CREATE TABLE radcheck (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation    INTEGER NOT NULL DEFAULT 1 REFERENCES organisation (id),
    username        TEXT NOT NULL,
    username_folded TEXT NOT NULL,
    attribute       TEXT NOT NULL,
    op              TEXT NOT NULL,
    value           TEXT NOT NULL
) STRICT;
CREATE INDEX radcheck_by_user ON radcheck (username_folded);

CREATE TABLE radreply (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation    INTEGER NOT NULL DEFAULT 1 REFERENCES organisation (id),
    username        TEXT NOT NULL,
    username_folded TEXT NOT NULL,
    attribute       TEXT NOT NULL,
    op              TEXT NOT NULL,
    value           TEXT NOT NULL
) STRICT;
CREATE INDEX radreply_by_user ON radreply (username_folded);

CREATE TABLE radgroupcheck (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL DEFAULT 1 REFERENCES organisation (id),
    groupname    TEXT NOT NULL,
    attribute    TEXT NOT NULL,
    op           TEXT NOT NULL,
    value        TEXT NOT NULL
) STRICT;
CREATE INDEX radgroupcheck_by_group ON radgroupcheck (groupname);

CREATE TABLE radgroupreply (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL DEFAULT 1 REFERENCES organisation (id),
    groupname    TEXT NOT NULL,
    attribute    TEXT NOT NULL,
    op           TEXT NOT NULL,
    value        TEXT NOT NULL
) STRICT;
CREATE INDEX radgroupreply_by_group ON radgroupreply (groupname);

CREATE TABLE radusergroup (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation    INTEGER NOT NULL DEFAULT 1 REFERENCES organisation (id),
    username        TEXT NOT NULL,
    username_folded TEXT NOT NULL,
    groupname       TEXT NOT NULL,
    priority        INTEGER NOT NULL DEFAULT 1,
    UNIQUE (username_folded, groupname)
) STRICT;
CREATE INDEX radusergroup_by_group ON radusergroup (groupname);

-- A session at an access point is a row like any other, and has one of these beside it. Its
-- `session.network` is the name of the access point's section, its `session.mac` may be empty.
ALTER TABLE session ADD COLUMN login_folded TEXT NOT NULL DEFAULT '';
UPDATE session SET login_folded = lower(login);
CREATE INDEX session_by_login ON session (login_folded);

CREATE TABLE nas_session (
    session         INTEGER PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
    unique_id       TEXT NOT NULL,        -- over what tells it from others, as in rlm_acct_unique
    nas_source      TEXT NOT NULL,        -- where its packets came from
    nas_address     TEXT,
    nas_identifier  TEXT,
    username        TEXT NOT NULL,        -- as it is reported; `session.login` is who it is
    acct_session    TEXT NOT NULL,
    updated_at      INTEGER NOT NULL,
    called_station  TEXT,
    calling_station TEXT,
    port            INTEGER,
    port_id         TEXT,
    port_type       TEXT,
    service_type    TEXT,
    framed_protocol TEXT,
    authentic       TEXT,
    connect_start   TEXT,
    connect_stop    TEXT
) STRICT;
-- What counters have to know of a user for longer than sessions are kept.
CREATE TABLE account (
    login_folded TEXT PRIMARY KEY,
    first_login  INTEGER,                 -- NULL: none that mattered
    clock_unset  INTEGER NOT NULL DEFAULT 0,
    seconds      INTEGER NOT NULL DEFAULT 0,  -- of sessions that are forgotten
    download     INTEGER NOT NULL DEFAULT 0,
    upload       INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX nas_session_by_unique_id ON nas_session (unique_id);
