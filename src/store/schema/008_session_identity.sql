-- Which session a report is about: Acct-Session-Id at its client, and the Class that we gave. And what
-- a user may use in it, both ways together, which nothing else keeps over a restart.
ALTER TABLE nas_session ADD COLUMN class BLOB;
ALTER TABLE nas_session ADD COLUMN total_limit INTEGER;   -- octets; NULL: without end
DROP INDEX nas_session_by_unique_id;
-- Of the end only, where access points count: they may be 250 octets long.
CREATE INDEX nas_session_by_number ON nas_session (substr(acct_session, -24));
-- Acct-Session-Time as it was reported last: `session.seconds` is never more than has passed.
ALTER TABLE nas_session ADD COLUMN reported_seconds INTEGER NOT NULL DEFAULT 0;
