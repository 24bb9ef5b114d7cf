-- A batch of vouchers that has not arrived whole where it is printed: as long as its row is here, its
-- vouchers are none. What is here at the start is removed, with its vouchers.
CREATE TABLE open_batch (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    after INTEGER NOT NULL                -- the ids of its vouchers are greater
) STRICT;

ALTER TABLE voucher ADD COLUMN batch INTEGER;  -- NULL: made alone

-- Sign-ins that a row of the login log stands for.
ALTER TABLE login ADD COLUMN times INTEGER NOT NULL DEFAULT 1;
