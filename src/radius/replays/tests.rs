use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::policy::dictionary::Attribute;
use crate::radius::clients::Clients;
use crate::radius::packet::Code;
use crate::radius::tests;

fn section(name: &str, require: u8) -> Arc<Section> {
    let text = format!(
        "config client {name}\noption address 10.0.0.1\noption secret x\n\
         option require_message_authenticator {require}"
    );
    Clients::new(&Config::parse(&text).unwrap().clients).named(name).unwrap().clone()
}

fn request(attributes: &[(Attribute, &[u8])]) -> Packet {
    tests::packet(Code::AccessRequest, attributes)
}

fn numbered(number: usize) -> Packet {
    request(&[(dict::USER_NAME, &number.to_be_bytes())])
}

/// How many are remembered; that all bookkeeping agrees.
fn checked(replays: &Replays) -> usize {
    for recent in replays.clients.values() {
        let order: HashSet<_> = recent.order.iter().copied().collect();
        assert_eq!((order.len(), &order), (recent.order.len(), &recent.known));
        assert!(recent.order.len() <= EACH);
    }
    let total = replays.clients.values().map(|it| it.order.len()).sum();
    assert_eq!(replays.total, total);
    assert!(total <= TOTAL);
    total
}

#[test]
fn a_request_is_new_once_to_all_clients_together() {
    let mut replays = Replays::default();
    let (lobby, pool) = (section("lobby", 1), section("pool", 1));
    let remembered = replays.remember(&lobby, &numbered(1)).unwrap();
    assert_eq!(replays.remember(&lobby, &numbered(1)), None);
    assert_eq!(replays.remember(&pool, &numbered(1)), None);
    assert!(replays.remember(&pool, &numbered(2)).is_some());
    replays.forget(&remembered);
    replays.forget(&remembered);
    assert_eq!(checked(&replays), 1);
    assert!(replays.remember(&lobby, &numbered(1)).is_some());
}

#[test]
fn what_cannot_be_changed_tells_requests_apart() {
    let (name, password) = ((dict::USER_NAME, &b"anna"[..]), (dict::USER_PASSWORD, &[7; 16][..]));
    let other_name = (dict::USER_NAME, &b"berta"[..]);
    let other_password = (dict::USER_PASSWORD, &[8; 16][..]);
    // The authenticator is the same in all of them.
    let is_new = |require, first: &[_], second: &[_]| {
        let (mut replays, lobby) = (Replays::default(), section("lobby", require));
        assert!(replays.remember(&lobby, &request(first)).is_some());
        replays.remember(&lobby, &request(second)).is_some()
    };
    // Signed: whatever differs was written by the client.
    assert!(is_new(1, &[name, password], &[other_name, password]));
    assert!(is_new(1, &[name, password], &[name, other_password]));
    assert!(!is_new(1, &[name, password], &[name, password]));
    // Not signed: anybody may have changed the name.
    assert!(!is_new(0, &[name, password], &[other_name, password]));
    assert!(!is_new(0, &[name, password], &[password, name]));
    assert!(is_new(0, &[name, password], &[name, other_password]));
    let chap = (dict::CHAP_PASSWORD, &[7; 17][..]);
    assert!(is_new(0, &[name, password], &[name, chap]));
    assert!(!is_new(0, &[name, chap], &[other_name, chap]));
    // Nothing to prove: the device signs in by its MAC.
    assert!(is_new(0, &[name], &[other_name]));
}

#[test]
fn the_greediest_client_yields_first() {
    let mut replays = Replays::default();
    let modest = section("modest", 1);
    assert!(replays.remember(&modest, &numbered(0)).is_some());
    for client in 1..=8 {
        let greedy = section(&format!("greedy{client}"), 1);
        for number in 0..EACH + 10 {
            assert!(replays.remember(&greedy, &numbered(client * 10_000 + number)).is_some());
        }
    }
    assert_eq!(checked(&replays), TOTAL);
    assert_eq!(replays.remember(&modest, &numbered(0)), None);
    let of_modest = replays.clients.get("modest").map(|it| it.order.len());
    assert_eq!(of_modest, Some(1));
    // Its latest are known, its oldest not.
    assert_eq!(replays.remember(&modest, &numbered(80_000 + EACH + 9)), None);
    assert!(replays.remember(&modest, &numbered(10_000)).is_some());
}

proptest! {
    #[test]
    fn no_order_of_events_upsets_the_books(
        events in prop::collection::vec((0..3_usize, 0..40_usize, any::<bool>()), 0..200),
    ) {
        let sections = ["a", "b", "c"].map(|name| section(name, 1));
        let mut replays = Replays::default();
        let mut model: HashMap<usize, Remembered> = HashMap::new();
        for (client, number, forget) in events {
            match model.remove(&number) {
                Some(known) if forget => replays.forget(&known),
                Some(known) => {
                    prop_assert_eq!(replays.remember(&sections[client], &numbered(number)), None);
                    model.insert(number, known);
                }
                None => {
                    let new = replays.remember(&sections[client], &numbered(number));
                    model.insert(number, new.unwrap());
                }
            }
            prop_assert_eq!(checked(&replays), model.len());
        }
    }
}
