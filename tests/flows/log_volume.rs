//! How much of the log others can have written: a router keeps 64 KB of it.

use serde_json::json;

use crate::support::Daemon;

#[test]
fn a_script_that_is_refused_in_a_loop_writes_one_line() {
    let daemon = Daemon::start();
    for number in 0..50 {
        let answer =
            daemon.post(json!({"action": "create_voucher", "valid_for": format!("{number} x")}));
        assert_eq!(answer.json()["error"], true);
    }
    let log = daemon.log();
    let refused = log.lines().filter(|line| line.contains("api: call from")).count();
    assert_eq!(refused, 1, "{log}");
}
