-- The latest Event-Timestamp of a session's reports, by the access point's clock: a report that is
-- not later than that is an old one that somebody sends again.
ALTER TABLE nas_session ADD COLUMN event_at INTEGER;
