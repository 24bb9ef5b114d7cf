-- Whether the passcode was drawn here: somebody's own may have the same form and be easily guessed.
-- What came before is not known to be.
ALTER TABLE voucher ADD COLUMN passcode_generated INTEGER NOT NULL DEFAULT 0;
