//! Time from starting the program to its first answer over `/api/`, with a warm page cache and
//! after an orderly stop. It includes the check of the whole store for damage, which grows with it.

use crate::Effort;
use crate::daemon::{Daemon, Disk};
use crate::table;

pub fn run(disk: &Disk, effort: Effort) {
    table::title("start: from exec to the first answer");
    for vouchers in [0, 10_000, 50_000] {
        let mut daemon = Daemon::start(disk, &format!("start{vouchers}"));
        if vouchers > 0 {
            daemon.command(&["voucher", "create", "--count", &vouchers.to_string()]);
        }
        let mut taken = Vec::new();
        for _ in 0..effort.many() {
            daemon.stop();
            taken.push(daemon.launch());
        }
        table::times(&format!("{vouchers} vouchers"), &taken);
    }
}
