//! CSV that a spreadsheet does not calculate and a program can read back.

use serde_json::json;

use crate::support::Daemon;

#[test]
fn no_list_in_csv_holds_a_formula() {
    let daemon = Daemon::start();
    let names = ["=1+1", "+1a", "-1-1", "@SUM(1)", "'=2", "a;=1"];
    for name in names {
        let voucher = json!({"action": "create_voucher", "username": name, "passcode": name,
            "fullname": name});
        assert_eq!(daemon.post(voucher).message(), "User added successfully");
        daemon.cli_ok(&["user", "join", "--", name, name]);
    }
    daemon.cli_ok(&["user", "check", "=1+1", "Max-Daily-Session := 7200", "NAS-Port-Id == =1"]);
    let lists: [&[&str]; 5] = [
        &["voucher", "list"],
        &["voucher", "create", "--username", "=3+3", "--fullname", "@x"],
        &["user", "list"],
        &["group", "list"],
        &["user", "show", "=1+1"],
    ];
    for list in lists {
        let csv = daemon.cli_ok(&[list, &["--format", "csv"]].concat());
        for cell in csv.split("\r\n").flat_map(|line| line.split(',')) {
            let cell = cell.trim_start_matches('"');
            let operators = cell.chars().all(|c| "=+-".contains(c));
            assert!(operators || !cell.starts_with(['=', '+', '-', '@']), "{list:?}: {csv}");
        }
        assert!(csv.contains("'=") || csv.contains("'@"), "{list:?}: {csv}");
    }
    let csv = daemon.cli_ok(&["voucher", "list", "--format", "csv"]);
    for line in csv.split("\r\n").filter(|line| line.contains("'=2")) {
        assert!(line.contains(",''=2,''=2,''=2,"), "{line}");
    }
    // For programs: every text as it is.
    for (voucher, name) in daemon.vouchers().iter().zip(names) {
        assert_eq!(voucher["username"], name);
    }
}
