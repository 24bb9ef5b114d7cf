//! Who is not let in, and the sentence they are told.

use std::time::Instant;

use super::ours::{DEAF_PORT, Ours};
use super::peers::{account, installed, log_in, log_in_all};

#[track_caller]
fn refused(ours: &Ours, cases: &[(&str, &str)]) {
    let requests: Vec<&str> = cases.iter().map(|(request, _)| *request).collect();
    for ((request, sentence), answer) in cases.iter().zip(log_in_all(ours.ports, &requests)) {
        assert_eq!(answer.code, "Access-Reject", "{request}: {answer:?}");
        assert_eq!(answer.all("Reply-Message"), [*sentence], "{request}: {answer:?}");
    }
}

#[test]
fn vouchers_that_do_not_let_in_say_why() {
    if !installed("radclient") {
        return;
    }
    let ours = Ours::start();
    ours.voucher(
        "early",
        "pear",
        &[("valid_for", "1 hour"), ("valid_from", "2036-01-01 10:00:00")],
    );
    ours.voucher("late", "pear", &[("valid_for", "1 hour"), ("valid_from", "2025-01-01 10:00:00")]);
    ours.voucher("fine", "pear", &[("valid_for", "1 hour")]);
    refused(
        &ours,
        &[
            ("User-Name = early\nUser-Password = pear", "The user is not valid yet."),
            ("User-Name = late\nUser-Password = pear", "The user has expired or not valid."),
            ("User-Name = fine\nUser-Password = apple", "Wrong password."),
            ("User-Name = nobody\nUser-Password = pear", "Wrong user name."),
        ],
    );
    // Typed on a phone: a capital letter and a blank that the keyboard put there.
    let answer = log_in(ours.ports, "User-Name = \"Fine \"\nUser-Password = pear");
    assert_eq!(answer.code, "Access-Accept", "{answer:?}");
    let logins = ours.get(&[("action", "get_logins")]).json();
    let logins = logins["logins"].as_array().unwrap();
    assert_eq!(logins.len(), 5, "{logins:?}");
    assert!(logins.iter().all(|login| login["type"] == "radius"), "{logins:?}");
    let successes: Vec<&str> = logins
        .iter()
        .filter(|login| login["success"] == 1)
        .map(|login| login["login"].as_str().unwrap())
        .collect();
    assert_eq!(successes, ["fine"], "{logins:?}");
}

#[test]
fn a_voucher_that_is_used_up_says_so() {
    if !installed("radclient") {
        return;
    }
    let ours = Ours::start();
    ours.voucher("down", "pear", &[("download_limit", "10")]);
    ours.voucher("up", "pear", &[("upload_limit", "10")]);
    for (name, direction) in [("down", "Output"), ("up", "Input")] {
        let session = format!(
            "User-Name = {name}\nAcct-Session-Id = {name}-1\nNAS-IP-Address = 127.0.0.1\n\
             Calling-Station-Id = 02-00-00-00-00-01\nAcct-Session-Time = 60\n"
        );
        log_in(ours.ports, &format!("User-Name = {name}\nUser-Password = pear"));
        account(ours.ports, &format!("{session}Acct-Status-Type = Start"));
        let ten = 10 * 1024 * 1024;
        let octets = format!("Acct-{direction}-Octets = {ten}");
        account(ours.ports, &format!("{session}Acct-Status-Type = Stop\n{octets}"));
    }
    let sentence = "The user has used up the data limit.";
    refused(
        &ours,
        &[
            ("User-Name = down\nUser-Password = pear", sentence),
            ("User-Name = up\nUser-Password = pear", sentence),
        ],
    );
}

#[test]
fn a_device_too_many() {
    if !installed("radclient") {
        return;
    }
    let refuse = "config voucher 'voucher'\noption devices '1'\noption on_device_limit 'refuse'\n";
    let ours = Ours::with(refuse, DEAF_PORT);
    ours.voucher("anna", "pear", &[]);
    let device = |number: u32| {
        format!(
            "User-Name = anna\nUser-Password = pear\nNAS-IP-Address = 127.0.0.1\n\
             Calling-Station-Id = 02-00-00-00-00-0{number}"
        )
    };
    let session = "User-Name = anna\nAcct-Session-Id = one\nNAS-IP-Address = 127.0.0.1\n\
                   Calling-Station-Id = 02-00-00-00-00-01\n";
    assert_eq!(log_in(ours.ports, &device(1)).code, "Access-Accept");
    account(ours.ports, &format!("{session}Acct-Status-Type = Start"));
    refused(&ours, &[(&device(2), "Too many devices are online with this user.")]);
    // The device that is in may ask again: it has roamed, or its access point has restarted.
    assert_eq!(log_in(ours.ports, &device(1)).code, "Access-Accept");
    let next = session.replace("= one", "= two");
    account(ours.ports, &format!("{next}Acct-Status-Type = Start"));
    account(ours.ports, &format!("{session}Acct-Status-Type = Stop"));
    refused(&ours, &[(&device(2), "Too many devices are online with this user.")]);
    account(ours.ports, &format!("{next}Acct-Status-Type = Stop"));
    assert_eq!(log_in(ours.ports, &device(2)).code, "Access-Accept");
}

#[test]
fn users_who_are_not_let_in_are_told_why() {
    if !installed("radclient") {
        return;
    }
    let ours = Ours::start();
    ours.enter(
        "check past Cleartext-Password := pear
         check past Expiration := January 01 2024 12:00:00
         check shut Cleartext-Password := pear
         check shut Login-Time := Al0000-0001",
    );
    refused(&ours, &[("User-Name = past\nUser-Password = pear", "Password Has Expired")]);
    refused(
        &ours,
        &[(
            "User-Name = shut\nUser-Password = pear",
            "You are calling outside your allowed timespan",
        )],
    );
}

#[test]
fn whoever_guesses_is_told_to_wait_and_others_are_not() {
    if !installed("radclient") {
        return;
    }
    let ours = Ours::start();
    ours.voucher("anna", "pear", &[]);
    let guess = "User-Name = anna\nUser-Password = apple\nCalling-Station-Id = 02-00-00-00-00-66";
    let began = Instant::now();
    let sentences: Vec<String> = (0..4)
        .flat_map(|_| log_in_all(ours.ports, &[guess; 10]))
        .map(|answer| {
            assert_eq!(answer.code, "Access-Reject");
            answer.get("Reply-Message").unwrap_or_default().to_owned()
        })
        .collect();
    println!("{} guesses took {:?}", sentences.len(), began.elapsed());
    assert_eq!(sentences[0], "Wrong password.");
    assert_eq!(sentences.last().unwrap(), "Too many wrong attempts.", "{sentences:?}");
    let honest = "User-Name = anna\nUser-Password = pear\nCalling-Station-Id = 02-00-00-00-00-01";
    assert_eq!(log_in(ours.ports, honest).code, "Access-Accept");
}

#[test]
fn strangers_who_guess_do_not_lock_out_who_was_in() {
    if !installed("radclient") {
        return;
    }
    let ours = Ours::start();
    ours.voucher("anna", "sesame", &[]);
    let from = |password: &str, device: usize| {
        format!(
            "User-Name = anna\nUser-Password = {password}\nCalling-Station-Id = 02-00-00-00-00-{device:02}"
        )
    };
    assert_eq!(log_in(ours.ports, &from("sesame", 1)).code, "Access-Accept");
    let guesses: Vec<String> = (0..40).map(|number| from("wrong", 10 + number)).collect();
    let guesses: Vec<&str> = guesses.iter().map(String::as_str).collect();
    let stranger_waits = (0..5).any(|_| {
        log_in_all(ours.ports, &guesses);
        let answer = log_in(ours.ports, &from("sesame", 70));
        answer.get("Reply-Message") == Some("Too many wrong attempts.")
    });
    assert!(stranger_waits);
    assert_eq!(log_in(ours.ports, &from("sesame", 1)).code, "Access-Accept");
    // As phones write it, and as it is copied.
    ours.voucher("5a3dqr", "xujx9s84", &[]);
    let typed = "User-Name = 5A3-DQR\nUser-Password = XUJX\u{2013}9S84";
    assert_eq!(log_in(ours.ports, typed).code, "Access-Accept");
}

#[test]
fn what_comes_again_is_one_row_of_the_log_with_its_number() {
    if !installed("radclient") {
        return;
    }
    let ours = Ours::start();
    ours.voucher("room1", "pear", &[]);
    let wrong = "User-Name = nobody\nUser-Password = pear";
    log_in_all(ours.ports, &[wrong; 3]);
    log_in_all(ours.ports, &["User-Name = room1\nUser-Password = pear"; 2]);
    let csv = ours.cli_ok(&["logins", "--format", "csv"]);
    let times = |login: &str| -> Vec<&str> {
        let its = csv.lines().filter(|line| line.split(',').any(|cell| cell == login));
        its.filter_map(|line| line.rsplit(',').next()).collect()
    };
    assert_eq!((times("nobody"), times("room1")), (vec!["3"], vec!["2"]), "{csv}");
    let table = ours.cli_ok(&["logins"]);
    assert!(table.lines().any(|line| line.contains("nobody") && line.trim_end().ends_with('3')));
}
