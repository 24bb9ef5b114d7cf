//! What OpenWrt's init script and hooks rely on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use crate::support::{Daemon, OPEN_API, program, skipped};

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const SILENCE: (Option<i32>, String, String) = (Some(0), String::new(), String::new());

#[test]
fn a_service_that_is_switched_off_runs_by_hand_and_check_says_how_to_start_it() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    assert!(!daemon.cli_ok(&["check"]).contains("  service  "));
    daemon.edit_config("option data_dir", "option enabled '0'\noption data_dir");
    let line = "note  service        option enabled is '0', so that the service does not start; \
                'uci set hotspotd.main.enabled=1; uci commit hotspotd; service hotspotd start'";
    let check = daemon.cli_ok(&["check"]);
    assert!(check.contains(line), "{check}");
    daemon.launch();
    let check = daemon.cli_ok(&["check"]);
    assert!(check.contains(line) && check.contains("ok    daemon "), "{check}");
    daemon.edit_config(
        "option enabled '0'\noption data_dir",
        "option enabled 'no!'\noption data_dir",
    );
    let (code, _, error) = told(&daemon.cli(&["check"]));
    assert_eq!(code, Some(78));
    assert!(error.contains("option 'enabled': 'no!' is neither '1' nor '0'"), "{error}");
}

/// It does not even read its rules, of which there are more than a pipe holds.
#[test]
fn a_program_that_hangs_does_not_keep_the_daemon_from_stopping() {
    let garden = |inn: u32| -> String {
        (0..512)
            .step_by(2)
            .map(|it| format!("list garden '2001:db8:{inn:x}:ffff:ffff:ffff:ffff:{it:x}'\n"))
            .collect()
    };
    let guest = |inn| format!("config guest 'inn{inn}'\noption device 'inn{inn}'\n{}", garden(inn));
    let guests: String = (0..16).map(guest).collect();
    let mut daemon = Daemon::prepared(OPEN_API, &guests);
    let bridges =
        "for n in $(seq 0 15); do ip link add inn$n type bridge || exit; done; exec \"$@\"";
    let enter = ["unshare", "-rn", "sh", "-c", bridges, "sh"];
    let tried = Command::new(enter[0]).args(&enter[1..]).arg("true").output();
    if !tried.is_ok_and(|output| output.status.success()) {
        return skipped("there are no user namespaces with bridges");
    }
    let nft = daemon.scratch.path().join("nft");
    fs::write(&nft, "#!/bin/sh\nexec sleep 600\n").unwrap();
    fs::set_permissions(&nft, fs::Permissions::from_mode(0o700)).unwrap();
    let path = format!("{}:/usr/bin:/bin", daemon.scratch.path().display());
    daemon.within = enter.map(str::to_owned).to_vec();
    daemon.environment.push(("PATH".into(), path.into()));
    daemon.spawn();
    assert!(daemon.is_ready_or_ends(), "{}", daemon.log());
    assert!(daemon.stop().success());
    assert!(daemon.log().contains("nft hung and was ended"), "{}", daemon.log());
}

#[test]
fn hooks_are_silent_where_no_daemon_runs() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    let notices = [["notify", "clock-synchronised"], ["notify", "leases-changed"]];
    let all_silent = |daemon: &Daemon| {
        for notice in notices {
            assert_eq!(told(&daemon.cli(&notice)), SILENCE, "{notice:?}");
        }
    };
    all_silent(&daemon);
    daemon.launch();
    all_silent(&daemon);
    // Killed: its socket is still there.
    daemon.kill();
    all_silent(&daemon);
    fs::write(daemon.config(), "config hotspotd 'main").unwrap();
    all_silent(&daemon);
    fs::remove_file(daemon.config()).unwrap();
    all_silent(&daemon);
    let misuse = program().args(["notify", "clock-set"]).output().unwrap();
    assert_eq!(misuse.status.code(), Some(64));
}

/// What `init.d` asks before it has procd start the daemon again and again.
#[test]
fn the_configuration_alone_can_be_looked_at() {
    let daemon = Daemon::start();
    daemon.configure("option enabled '1'", "");
    let (code, out, error) = told(&daemon.cli(&["check", "config"]));
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("ok    configuration  "), "{out}");
    assert!(out.contains("\nnote  configuration  "), "{out}");
    daemon.configure("option enable '1'", "");
    assert_eq!(told(&daemon.cli(&["check", "config"])).0, Some(78));
}
