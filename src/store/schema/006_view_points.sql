-- From whose side a session's octets were counted: 1 the access point's, 2 the guest's. Every session
-- of an earlier version was taken for the first.
ALTER TABLE nas_session ADD COLUMN view_point INTEGER NOT NULL DEFAULT 1;

-- What access points have shown of themselves and is needed before they show it again.
CREATE TABLE IF NOT EXISTS nas_peer (
    client        TEXT NOT NULL,          -- the name of the section
    source        TEXT NOT NULL,          -- where its packets come from
    local_address TEXT NOT NULL,          -- the address of ours that it asks: orders leave from there
    reports       INTEGER NOT NULL,       -- whether it has ever sent an Accounting-Request
    view_point    INTEGER,                -- as above; NULL: it has never said so
    written_at    INTEGER NOT NULL,
    PRIMARY KEY (client, source)
) STRICT, WITHOUT ROWID;
