-- What was counted in a session beside the access point's counters, which have begun anew or were of the
-- other side.
ALTER TABLE nas_session ADD COLUMN download_offset INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nas_session ADD COLUMN upload_offset INTEGER NOT NULL DEFAULT 0;
