-- Sessions, what they used, and the devices that need no form any more.

ALTER TABLE voucher ADD COLUMN used_download INTEGER NOT NULL DEFAULT 0;  -- octets, all sessions
ALTER TABLE voucher ADD COLUMN used_upload INTEGER NOT NULL DEFAULT 0;

-- `voucher` and `login` are copies: a session's record outlives its voucher.
CREATE TABLE session (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL DEFAULT 1 REFERENCES organisation (id),
    voucher      INTEGER NOT NULL,
    login        TEXT NOT NULL,
    mac          TEXT NOT NULL,
    network      TEXT NOT NULL,           -- name of the guest section
    address      TEXT,                    -- last seen
    started_at   INTEGER NOT NULL,
    clock_unset  INTEGER NOT NULL DEFAULT 0,  -- 1: started_at was given by a clock not set
    seconds      INTEGER NOT NULL,        -- used so far
    download     INTEGER NOT NULL,        -- octets so far
    upload       INTEGER NOT NULL,
    deadline     INTEGER,                 -- seconds of the boot clock, within the boot of meta.clock
    ended_at     INTEGER,                 -- NULL: open
    cause        TEXT                     -- RFC 2866 section 5.10
) STRICT;
CREATE INDEX session_open ON session (mac) WHERE ended_at IS NULL;

CREATE TABLE device (
    mac     TEXT PRIMARY KEY,
    voucher INTEGER NOT NULL REFERENCES voucher (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX device_by_voucher ON device (voucher);
