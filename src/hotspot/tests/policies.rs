//! What is written down of users and groups.

use super::*;
use crate::domain::rule::{GroupName, Line, Subject};
use crate::hotspot::policies::{Added, Change, Draft, Question, Refused, Which};
use crate::policy::{Group, List, Row, User, Value};

fn user(name: &str) -> Username {
    Username::parse(name).unwrap().unwrap()
}

fn of_user(name: &str) -> Subject {
    Subject::User(user(name))
}

fn of_group(name: &str) -> Subject {
    Subject::Group(GroupName::parse(name).unwrap())
}

fn add(bench: &mut Bench, subject: Subject, list: List, rows: &[&str]) -> Result<Added, Refused> {
    let drafts = rows.iter().map(|row| Draft::parse(list, row).unwrap()).collect();
    change(bench, |reply| Change::Add { subject, list, drafts, reply }).unwrap()
}

fn change<T>(bench: &mut Bench, change: impl FnOnce(Reply<T>) -> Change) -> Result<T, Fault> {
    bench.write(|reply| Write::Policy(change(reply)))
}

fn join(bench: &mut Bench, name: &str, group: &str, priority: i64) {
    let (username, group) = (user(name), GroupName::parse(group).unwrap());
    let priority = Some(priority);
    change(bench, |reply| Change::Join { username, group, priority, reply }).unwrap().unwrap();
}

fn row(list: List, attribute: &str, operator: &str, value: &str) -> Row {
    Row::parse(list, attribute, operator, value).unwrap()
}

/// Writes a row as another program would.
fn write_unseen(bench: &Bench, subject: &Subject, list: List, attribute: &str, value: &str) {
    let (attribute, operator, value) = (attribute.into(), ":=".into(), value.into());
    let line = Line { attribute, operator, value };
    bench.hotspot.store.insert_rule(subject, list, &line).unwrap();
}

#[test]
fn a_login_finds_the_rows_of_the_user_and_of_their_groups_in_order() {
    let mut bench = Bench::new();
    add(&mut bench, of_user("Jo"), List::Check, &["Simultaneous-Use := 2"]).unwrap();
    add(&mut bench, of_user("jo"), List::Reply, &["Session-Timeout := 60"]).unwrap();
    add(&mut bench, of_user("joe"), List::Reply, &["Session-Timeout := 70"]).unwrap();
    add(&mut bench, of_group("staff"), List::Check, &["Max-Daily-Session := 5"]).unwrap();
    add(&mut bench, of_group("Staff"), List::Reply, &["Idle-Timeout := 6"]).unwrap();
    for (group, priority) in [("late", 7), ("staff", 2), ("early", -1), ("Staff", 2)] {
        join(&mut bench, "JO", group, priority);
    }
    let group = |name: &str| Group { name: name.to_owned(), check: vec![], reply: vec![] };
    let staff = row(List::Check, "Max-Daily-Session", ":=", "5");
    let other = row(List::Reply, "Idle-Timeout", ":=", "6");
    let expected = User {
        check: vec![row(List::Check, "Simultaneous-Use", ":=", "2")],
        reply: vec![row(List::Reply, "Session-Timeout", ":=", "60")],
        groups: vec![
            group("early"),
            Group { check: vec![staff], ..group("staff") },
            Group { reply: vec![other], ..group("Staff") },
            group("late"),
        ],
    };
    assert_eq!(bench.hotspot.store.policy_of(&user("jO")).unwrap(), expected);
    assert_eq!(bench.hotspot.store.policy_of(&user("nobody")).unwrap(), User::default());
    let bench = bench.power_cut(TestClock::at(START, true, "boot-2"));
    assert_eq!(bench.hotspot.store.policy_of(&user("jO")).unwrap(), expected);
}

#[test]
fn a_row_that_makes_no_sense_is_left_out_and_the_rest_holds() {
    let mut bench = Bench::new();
    add(&mut bench, of_user("jo"), List::Reply, &["Session-Timeout := 60"]).unwrap();
    write_unseen(&bench, &of_user("jo"), List::Reply, "Idle-Timeout", "soon");
    write_unseen(&bench, &of_user("jo"), List::Reply, "Reply-Message", "hello");
    let reply = bench.hotspot.store.policy_of(&user("jo")).unwrap().reply;
    let sensible = [("Session-Timeout", "60"), ("Reply-Message", "hello")];
    assert_eq!(reply, sensible.map(|(name, value)| row(List::Reply, name, ":=", value)));
    let rules = bench.read(|reply| Read::Policy(Question::Rules(of_user("jo"), reply)));
    assert_eq!(rules.unwrap().reply.len(), 3);
}

#[test]
fn of_several_settings_the_one_in_force_is_replaced() {
    let mut bench = Bench::new();
    for value in ["1", "2"] {
        write_unseen(&bench, &of_user("jo"), List::Reply, "Session-Timeout", value);
    }
    let added = add(&mut bench, of_user("jo"), List::Reply, &["session-timeout := 3"]);
    assert_eq!(added, Ok(Added { new: 0, replaced: 1 }));
    let reply = bench.hotspot.store.policy_of(&user("jo")).unwrap().reply;
    assert_eq!(reply, ["1", "3"].map(|value| row(List::Reply, "Session-Timeout", ":=", value)));
}

#[test]
fn rows_go_by_attribute_tag_and_id_and_never_another_ones() {
    let mut bench = Bench::new();
    let tunnel = ["Tunnel-Type:1 := VLAN", "Tunnel-Type:2 := VLAN", "Class := a", "Class += b"];
    for name in ["jo", "kim"] {
        add(&mut bench, of_user(name), List::Reply, &tunnel).unwrap();
    }
    let mut unset = |which: &[Which]| {
        let (subject, which) = (of_user("jo"), which.to_vec());
        change(&mut bench, |reply| Change::Unset { subject, which, reply }).unwrap()
    };
    let attribute = |name: &str| Which::Attribute(name.to_owned());
    // The rows of kim have ids from 5.
    let foreign = Which::Id(List::Reply, 5);
    assert_eq!(unset(&[attribute("Class"), foreign.clone()]), Err(Refused::NoSuchRow(foreign)));
    let other_list = Which::Id(List::Check, 1);
    assert_eq!(unset(std::slice::from_ref(&other_list)), Err(Refused::NoSuchRow(other_list)));
    assert_eq!(unset(&[attribute("tunnel-type:2"), Which::Id(List::Reply, 2)]), Ok(1));
    assert_eq!(unset(&[Which::Id(List::Reply, 4), attribute("TUNNEL-TYPE")]), Ok(2));
    assert_eq!(unset(&[attribute("Class")]), Ok(1));
    assert_eq!(bench.hotspot.store.policy_of(&user("jo")).unwrap(), User::default());
    assert_eq!(bench.hotspot.store.policy_of(&user("kim")).unwrap().reply.len(), 4);
}

#[test]
fn a_password_is_written_so_that_it_is_read_as_it_was_typed() {
    for typed in ["hunter2", "\"q\"", "'q'", "\"", "\\", "\"\\\"\"", "a b", " Zoë ", "`date`", "''"]
    {
        let mut bench = Bench::new();
        let before = ["SHA-Password := 5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "Max-Data := 5"];
        add(&mut bench, of_user("jo"), List::Check, &before).unwrap();
        let draft = Draft::password(&Secret::new(typed)).unwrap();
        let username = user("jo");
        change(&mut bench, |reply| Change::SetPassword { username, draft, reply })
            .unwrap()
            .unwrap();
        let check = bench.hotspot.store.policy_of(&user("jo")).unwrap().check;
        let passwords: Vec<&Row> =
            check.iter().filter(|row| row.attribute.name().contains("Password")).collect();
        assert_eq!(passwords.len(), 1, "{typed}");
        assert_eq!(passwords[0].value, Value::Text(typed.to_owned()));
    }
}

#[test]
fn a_store_that_fails_has_nothing_of_it() {
    let mut bench = Bench::new();
    bench.hotspot.store.refuse_writes(true);
    let (subject, list) = (of_user("jo"), List::Reply);
    let drafts = vec![Draft::parse(list, "Session-Timeout := 60").unwrap()];
    let failed = change(&mut bench, |reply| Change::Add { subject, list, drafts, reply });
    assert!(matches!(failed, Err(Fault::Store(_))), "{failed:?}");
    bench.hotspot.store.refuse_writes(false);
    assert_eq!(bench.hotspot.store.policy_of(&user("jo")).unwrap(), User::default());
}
