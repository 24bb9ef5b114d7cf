//! `hotspotd try`: a place of its own, lines that can be pasted, and nothing left behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Scratch, program};

/// A process that is ended with the test.
struct Trial(std::process::Child);

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a try with this directory for temporary files, and waits until it is ready.
fn start(temporary: &Path) -> Trial {
    let mut command = program();
    command.arg("try").env("TMPDIR", temporary);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut trial = Trial(child);
    let mut lines = BufReader::new(trial.0.stderr.as_mut().unwrap()).lines();
    let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("is ready"));
    assert!(ready, "it ends before it is ready");
    trial
}

#[test]
fn try_prints_lines_that_work_when_pasted_and_leaves_nothing() {
    let scratch = Scratch::new();
    let mut trial = start(scratch.path());
    let out = BufReader::new(trial.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut pasted = String::new();
    for line in out.skip_while(|line| !line.starts_with("Paste")).skip(1) {
        pasted.push_str(&format!("{line}\n"));
        if line.ends_with(" voucher list") {
            break;
        }
    }
    let shell =
        Command::new("sh").args(["-e", "-c", &pasted]).env("NO_PROXY", "*").output().unwrap();
    let [out, error] = [&shell.stdout, &shell.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(shell.status.code(), Some(0), "{pasted}\n{error}");
    for text in [
        r#"{"message":"User added successfully","user":{"id":1,"username":"room12","#,
        r#"{"users":[{"id":1,"username":"room12","#,
        r#"{"message":"User removed successfully","error":false}"#,
        "\n4   ",
    ] {
        assert!(out.contains(text), "{text}\n{out}");
    }
    stop(trial);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn whoever_has_taken_its_usual_place_does_not_keep_it_from_starting() {
    // As another user would have it, but for the owner: not ours to use or remove.
    let directory = |usual: &Path| {
        fs::create_dir(usual).unwrap();
        fs::write(usual.join("precious"), "").unwrap();
        Some(UnixListener::bind(usual.join("control.sock")).unwrap())
    };
    let link = |usual: &Path| {
        symlink("/nowhere", usual).unwrap();
        None
    };
    let file = |usual: &Path| {
        fs::write(usual, "").unwrap();
        None
    };
    let takers: [fn(&Path) -> Option<UnixListener>; 3] = [directory, link, file];
    for take in takers {
        let scratch = Scratch::new();
        let _held = take(&scratch.path().join("hotspotd-try"));
        let trial = start(scratch.path());
        let names = fs::read_dir(scratch.path()).unwrap().map(|it| it.unwrap().file_name());
        let made: Vec<_> = names.filter(|name| name != "hotspotd-try").collect();
        assert_eq!(made.len(), 1);
        let made = scratch.path().join(&made[0]);
        assert!(made.to_string_lossy().contains("/hotspotd-try-"));
        assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
        stop(trial);
        assert!(!made.exists());
        assert!(fs::symlink_metadata(scratch.path().join("hotspotd-try")).is_ok());
    }
}

#[test]
fn what_a_killed_one_has_left_is_cleared_and_one_that_runs_is_left_alone() {
    let scratch = Scratch::new();
    drop(start(scratch.path()));
    let trial = start(scratch.path());
    let second = program().arg("try").env("TMPDIR", scratch.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another 'hotspotd try' is running"));
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
    stop(trial);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

fn stop(mut trial: Trial) {
    kill(Pid::from_raw(trial.0.id() as i32), Signal::SIGINT).unwrap();
    assert!(trial.0.wait().unwrap().success());
}
