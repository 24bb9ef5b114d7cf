//! `hotspotd::neighbour` against the kernel of this machine, in network namespaces of its own.
//!
//! Each test starts itself again within a fresh namespace, where it may do as it likes. Where
//! there is none to be had it says so.

#[path = "support/skip.rs"]
mod skip;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hotspotd::domain::neighbour::{Neighbour, Reach, Sighting};
use hotspotd::domain::station::Mac;
use hotspotd::neighbour::{Find, Lookup, Network, watch};
use nix::net::if_::if_nametoindex;
use nix::unistd::geteuid;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// Nothing here takes this long unless it hangs.
const HANG: Duration = Duration::from_secs(30);
const INSIDE: &str = "HOTSPOTD_TEST_NAMESPACE";

const PHONE: Mac = Mac::new([0x98, 0x01, 0xa7, 0xcb, 0xbb, 0x00]);
const TABLET: Mac = Mac::new([0x98, 0x01, 0xa7, 0xcb, 0xbb, 0x01]);

/// Runs the test within a namespace: here if this is one already, else in a process of its own.
fn inside(name: &str, test: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let alone = if geteuid().is_root() { "-n" } else { "-rn" };
    let possible = Command::new("unshare").args([alone, "true"]).stderr(Stdio::null()).status();
    if !possible.is_ok_and(|status| status.success()) {
        return skip::skipped("no network namespace to be had");
    }
    let this = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .arg(alone)
        .arg(this)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "no test is called {name}: {said}");
}

/// Runs commands of `ip`, one a line.
fn ip(commands: &str) {
    let mut child = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{commands}");
}

/// A guest network's device, its other end standing in for the guests.
const GUEST: &str = "link add guest0 type veth peer name peer0
    link set peer0 up
    link set guest0 up
    address add 192.0.2.1/24 dev guest0
    address add 2001:db8::1/64 dev guest0 nodad
";

fn guest_network() {
    ip(&format!("link set lo up\n{GUEST}"));
}

/// What the owner would know from what it was told.
struct Owner {
    inbox: mpsc::Receiver<Vec<Sighting>>,
    networks: watch::Sender<Vec<Network>>,
    neighbours: BTreeMap<(Arc<str>, IpAddr), Neighbour>,
    /// The devices' indices in the order in which they were told, with their networks.
    devices: Vec<(Arc<str>, Option<u32>)>,
    seen: usize,
    dumps: usize,
}

impl Owner {
    fn new(networks: &[(&str, &str)]) -> Self {
        let (sender, receiver) = watch::channel(list(networks));
        // Room for one batch: an owner that is busy.
        let (sightings, inbox) = mpsc::channel(1);
        tokio::spawn(watch(receiver, sightings));
        let neighbours = BTreeMap::new();
        Self { inbox, networks: sender, neighbours, devices: Vec::new(), seen: 0, dumps: 0 }
    }

    /// Listens until what it knows is so.
    async fn until(&mut self, so: impl Fn(&Self) -> bool) {
        while !so(self) {
            match timeout(HANG, self.inbox.recv()).await {
                Ok(Some(batch)) => batch.into_iter().for_each(|sighting| self.hear(sighting)),
                Ok(None) => panic!("the watch has ended"),
                Err(_) => panic!("still not so: {:#?} {:?}", self.neighbours, self.devices),
            }
        }
    }

    fn hear(&mut self, sighting: Sighting) {
        match sighting {
            Sighting::Seen(neighbour) => {
                self.seen += 1;
                self.know(neighbour);
            }
            Sighting::Forgotten { network, address } => {
                self.neighbours.remove(&(network, address));
            }
            Sighting::Everything(neighbours) => {
                self.dumps += 1;
                self.neighbours.clear();
                neighbours.into_iter().for_each(|neighbour| self.know(neighbour));
            }
            Sighting::Device { network, index } => self.devices.push((network, index)),
        }
    }

    fn know(&mut self, neighbour: Neighbour) {
        let key = (Arc::clone(&neighbour.network), neighbour.address);
        self.neighbours.insert(key, neighbour);
    }

    fn at(&self, network: &str, address: &str) -> Option<(Option<Mac>, Reach)> {
        let key = (Arc::from(network), address.parse().unwrap());
        self.neighbours.get(&key).map(|neighbour| (neighbour.mac, neighbour.reach))
    }
}

fn list(networks: &[(&str, &str)]) -> Vec<Network> {
    let network = |(name, device): &(&str, &str)| Network {
        name: Arc::from(*name),
        device: (*device).to_owned(),
    };
    networks.iter().map(network).collect()
}

fn index(device: &str) -> Option<u32> {
    if_nametoindex(device).ok()
}

/// On one thread, as in the daemon.
fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn the_kernel_is_asked_who_has_an_address() {
    inside("the_kernel_is_asked_who_has_an_address", || {
        guest_network();
        ip("neigh replace 192.0.2.10 dev guest0 lladdr 98:01:a7:cb:bb:00 nud reachable
            neigh replace 192.0.2.11 dev guest0 lladdr 98:01:a7:cb:bb:01 nud stale
            neigh replace 192.0.2.12 dev guest0 lladdr 98:01:a7:cb:bb:01 nud failed
            neigh replace 2001:db8::10 dev guest0 lladdr 98:01:a7:cb:bb:00 nud permanent
            neigh replace fe80::10 dev guest0 lladdr 98:01:a7:cb:bb:00 nud stale
            neigh add proxy 192.0.2.77 dev guest0\n");
        let mut lookup = Lookup::open().unwrap();
        let mut find =
            |device: &str, address: &str| lookup.find(device, address.parse().unwrap()).unwrap();
        for (address, mac) in [
            ("192.0.2.10", Some(PHONE)),
            ("::ffff:192.0.2.10", Some(PHONE)),
            ("192.0.2.11", Some(TABLET)),
            ("192.0.2.12", None),
            ("192.0.2.13", None),
            ("192.0.2.77", None),
            ("192.0.2.1", None),
            ("127.0.0.1", None),
            ("2001:db8::10", Some(PHONE)),
            ("2001:db8::11", None),
            ("2001:db8::1", None),
            ("fe80::10", Some(PHONE)),
            ("fe80::11", None),
            ("ff02::1", None),
        ] {
            assert_eq!(find("guest0", address), mac, "{address}");
            assert_eq!(find("peer0", address), None, "{address} on the other end");
            assert_eq!(find("lo", address), None, "{address} on lo");
        }
        // Plugged in again: another index, and nobody there yet.
        let before = index("guest0");
        ip(&format!("link delete guest0\n{GUEST}"));
        assert_ne!(index("guest0"), before);
        assert_eq!(find("guest0", "192.0.2.10"), None);
        ip("neigh replace 192.0.2.10 dev guest0 lladdr 98:01:a7:cb:bb:01 nud reachable\n");
        assert_eq!(find("guest0", "192.0.2.10"), Some(TABLET));
        ip("link delete guest0\n");
        assert_eq!(find("guest0", "192.0.2.10"), None);
    });
}

#[test]
fn who_comes_changes_and_goes_is_seen() {
    inside("who_comes_changes_and_goes_is_seen", || {
        run(async {
            guest_network();
            ip("neigh replace 192.0.2.10 dev guest0 lladdr 98:01:a7:cb:bb:00 nud reachable
                neigh replace 192.0.2.10 dev peer0 lladdr 98:01:a7:cb:bb:01 nud reachable\n");
            let mut owner = Owner::new(&[("lobby", "guest0"), ("camp", "guest1")]);
            owner.until(|owner| owner.dumps == 1).await;
            let devices = [("lobby".into(), index("guest0")), ("camp".into(), None)];
            assert_eq!(owner.devices, devices);
            let known: Vec<_> = owner.neighbours.values().cloned().collect();
            let phone = Neighbour {
                network: "lobby".into(),
                address: "192.0.2.10".parse().unwrap(),
                mac: Some(PHONE),
                reach: Reach::Present,
            };
            assert_eq!(known, [phone], "and nothing of the other device, no groups");

            ip("neigh replace 192.0.2.10 dev guest0 lladdr 98:01:a7:cb:bb:00 nud stale
                neigh replace 2001:db8::10 dev guest0 lladdr 98:01:a7:cb:bb:01 nud permanent\n");
            owner
                .until(|owner| {
                    owner.at("lobby", "192.0.2.10") == Some((Some(PHONE), Reach::Quiet))
                        && owner.at("lobby", "2001:db8::10") == Some((Some(TABLET), Reach::Present))
                })
                .await;
            ip("neigh replace 192.0.2.10 dev guest0 nud failed\n");
            owner.until(|o| o.at("lobby", "192.0.2.10") == Some((None, Reach::Gone))).await;
            ip("neigh delete 2001:db8::10 dev guest0\n");
            owner.until(|owner| owner.at("lobby", "2001:db8::10").is_none()).await;
            assert_eq!(owner.dumps, 1, "events sufficed");
            assert!(owner.neighbours.keys().all(|(network, _)| &**network == "lobby"));
        });
    });
}

#[test]
fn a_device_that_is_replaced_is_followed() {
    inside("a_device_that_is_replaced_is_followed", || {
        run(async {
            guest_network();
            let mut owner = Owner::new(&[("lobby", "guest0")]);
            owner.until(|owner| owner.dumps == 1).await;
            let first = index("guest0");
            // All of it before the watch can look: the neighbour's own event comes too early.
            let neighbour =
                "neigh replace 192.0.2.10 dev guest0 lladdr 98:01:a7:cb:bb:00 nud stale";
            ip(&format!("link delete guest0\n{GUEST}{neighbour}\n"));
            let phone = Some((Some(PHONE), Reach::Quiet));
            owner.until(|owner| owner.at("lobby", "192.0.2.10") == phone).await;
            let second = index("guest0");
            assert_ne!(first, second);
            let told: Vec<_> = owner.devices.iter().map(|(_, index)| *index).collect();
            assert_eq!(told, [first, None, second]);

            ip("link set guest0 down\nlink set guest0 name guest1\n");
            owner.until(|owner| owner.devices.len() == 4).await;
            ip("link set guest1 name guest0\nlink set guest0 up\n");
            owner.until(|owner| owner.devices.len() == 5).await;
            ip("link delete guest0\n");
            owner.until(|owner| owner.devices.len() == 6).await;
            let told: Vec<_> = owner.devices[3..].iter().map(|(_, index)| *index).collect();
            assert_eq!(told, [None, second, None]);
            owner.until(|owner| owner.neighbours.is_empty()).await;
        });
    });
}

#[test]
fn a_changed_list_of_networks_is_followed() {
    inside("a_changed_list_of_networks_is_followed", || {
        run(async {
            guest_network();
            ip("neigh replace 192.0.2.10 dev guest0 lladdr 98:01:a7:cb:bb:00 nud stale
                neigh replace 192.0.2.11 dev peer0 lladdr 98:01:a7:cb:bb:01 nud stale\n");
            let mut owner = Owner::new(&[]);
            owner.until(|owner| owner.dumps == 1).await;
            assert_eq!((owner.neighbours.len(), owner.devices.len()), (0, 0));
            owner.networks.send(list(&[("lobby", "guest0")])).unwrap();
            owner.until(|owner| owner.at("lobby", "192.0.2.10").is_some()).await;
            owner.networks.send(list(&[("lobby", "peer0")])).unwrap();
            owner.until(|owner| owner.at("lobby", "192.0.2.11").is_some()).await;
            assert_eq!(owner.at("lobby", "192.0.2.10"), None);
            let told: Vec<_> = owner.devices.iter().map(|(_, index)| *index).collect();
            assert_eq!(told, [index("guest0"), index("peer0")]);
            // And it ends with its configuration.
            let Owner { networks, mut inbox, .. } = owner;
            drop(networks);
            while timeout(HANG, inbox.recv()).await.expect("it goes on for ever").is_some() {}
        });
    });
}

#[test]
fn lost_events_are_made_up_for() {
    inside("lost_events_are_made_up_for", || {
        run(async {
            guest_network();
            let mut owner = Owner::new(&[("lobby", "guest0")]);
            owner.until(|owner| owner.dumps == 1).await;
            // The runtime's thread is in here meanwhile, so nobody reads the events. Permanent
            // entries, because of others the kernel keeps a thousand at most.
            let address = |n: u32| format!("10.0.{}.{}", n >> 8, n & 255);
            let delete = |n| format!("neigh delete {} dev guest0\n", address(n));
            let add = |n| {
                let lladdr = "98:01:a7:cb:bb:00";
                format!("neigh replace {} dev guest0 lladdr {lladdr} nud permanent\n", address(n))
            };
            ip(&(1..5000).map(add).chain((1..2500).map(delete)).collect::<String>());
            owner.until(|owner| owner.dumps == 2).await;
            let flood = |o: &Owner| o.neighbours.keys().filter(|(_, a)| a.is_ipv4()).count();
            assert!(owner.seen < 5000, "no events were lost, so this shows nothing");
            assert_eq!(flood(&owner), 2500);
            assert_eq!(owner.at("lobby", &address(2499)), None);
            assert_eq!(owner.at("lobby", &address(2500)), Some((Some(PHONE), Reach::Present)));
            // And it hears again.
            let seen = owner.seen;
            ip(&(2500..2600).map(delete).chain([add(1)]).collect::<String>());
            owner.until(|owner| owner.at("lobby", &address(1)).is_some()).await;
            assert_eq!((flood(&owner), owner.dumps), (2401, 2));
            assert_eq!(owner.devices.len(), 1, "it has started anew");
            assert!(owner.seen > seen);
        });
    });
}
