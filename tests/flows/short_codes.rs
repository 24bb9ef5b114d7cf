//! Passcodes that can be guessed, and who is told.

use crate::support::{Daemon, OPEN_API, program};

/// Exit code, standard output and standard error of `voucher create`.
fn create(daemon: &Daemon, rest: &str) -> (i32, String, String) {
    let mut command = program();
    command.arg("-c").arg(daemon.config()).args(["voucher", "create"]).args(rest.split(' '));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_passcode_that_can_be_guessed_is_told_once_and_never_shown() {
    let daemon = Daemon::with(OPEN_API, "");
    let create = |rest: &str| create(&daemon, rest);
    let (code, _, error) = create("--username 2468 --passcode 2468");
    assert_eq!(code, 0, "{error}");
    assert!(error.contains("a code this short") && error.contains("28 hours"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    let (_, out, error) = create("--count 250 --passcode sesame --format csv");
    assert!(error.contains("a passcode this short") && !error.contains("sesame"), "{error}");
    assert_eq!((out.lines().count(), error.lines().count()), (251, 1), "{error}");
    for long in ["--count 3", "--username room12", "--username a --passcode 9Zk#2mWq!x"] {
        let (code, _, error) = create(long);
        assert_eq!((code, error.as_str()), (0, ""), "{long}");
    }
    // The API's answer is the vendor's; the log says it, once a minute.
    let log = daemon.log();
    assert_eq!(log.matches("can be guessed within").count(), 1, "{log}");
    assert!(!log.contains("sesame"), "{log}");
}
