use super::*;
use crate::config::{Config, uci};

const NETWORK: &str = "config interface 'guests'\n\toption device 'br-guest'\n";
const ZONE: &str = "config defaults\n\toption forward 'REJECT'\n\
                    config zone\n\toption name 'lan'\n\tlist network 'lan'\n\
                    config zone\n\toption name 'guest'\n\tlist network 'guests'\n\
                    config forwarding\n\toption src 'lan'\n\toption dest 'wan'\n";
const RULE: &str = "config rule\n\toption src 'guest'\n\toption dest 'wan'\n\toption proto \
                    'all'\n\toption mark '0x10000000/0x10000000'\n\toption target 'ACCEPT'\n";

fn on_device(firewall: &str, network: &str, device: &str) -> Admission {
    admission(&uci::parse(firewall).unwrap(), &uci::parse(network).unwrap(), device)
}

fn told(more: &str) -> Admission {
    on_device(&format!("{ZONE}{more}"), NETWORK, "br-guest")
}

fn guest() -> String {
    "guest".to_owned()
}

#[test]
fn a_zone_that_accepts_the_mark_only_is_closed_otherwise() {
    assert_eq!(told(RULE), Admission::Marked(guest()));
    assert_eq!(told(&RULE.replace("0x10000000/0x10000000", "0x10000000")), told(RULE));
    assert_eq!(told(&RULE.replace("'guest'", "'*'")), told(RULE));
}

#[test]
fn a_forwarding_lets_everything_through() {
    let forwarding = "config forwarding\n\toption src 'guest'\n\toption dest 'wan'\n";
    let open = Admission::Open(guest(), Some("wan".to_owned()));
    assert_eq!(told(forwarding), open);
    assert_eq!(told(&format!("{RULE}{forwarding}")), open);
    assert_eq!(told(&format!("{forwarding}\toption enabled '0'\n")), told(""));
    let accepting = ZONE.replace("REJECT", "ACCEPT");
    assert_eq!(on_device(&accepting, NETWORK, "br-guest"), Admission::Open(guest(), None));
}

#[test]
fn a_zone_that_accepts_nothing_is_shut() {
    for rule in [
        String::new(),
        RULE.replace("ACCEPT", "DROP"),
        RULE.replace("0x1", "0x2"),
        RULE.replace("0x10000000/", "!0x10000000/"),
        RULE.replace("\toption dest 'wan'\n", ""),
        RULE.replace("'guest'", "'lan'"),
        format!("{RULE}\toption enabled '0'\n"),
    ] {
        assert_eq!(told(&rule), Admission::Shut(guest()), "{rule}");
    }
}

#[test]
fn what_cannot_be_told_is_not_guessed() {
    assert_eq!(on_device(ZONE, NETWORK, "br-cafe"), Admission::Unknown);
    assert_eq!(on_device(ZONE, "", "br-guest"), Admission::Unknown);
    let by_device = ZONE.replace("list network 'guests'", "list device 'br-guest'");
    assert_eq!(on_device(&by_device, "", "br-guest"), Admission::Shut(guest()));
}

fn of_one(firewall: &[Section], network: &[Section], guest: &Guest) -> Vec<Advice> {
    advice(firewall, network, guest, std::slice::from_ref(guest))
}

fn inn() -> Guest {
    let config = "config guest\noption device br-guest\noption portal_port 8881\n";
    Config::parse(config).unwrap().guests.remove(0)
}

/// The commands, carried out on these sections as far as they are known here.
fn pasted(firewall: &str, guest: &Guest) -> Vec<Section> {
    let mut sections = uci::parse(firewall).unwrap();
    let network = uci::parse(NETWORK).unwrap();
    for command in of_one(&sections.clone(), &network, guest).iter().flat_map(|it| &it.commands) {
        let add = "config rule\n";
        if command == "uci add firewall rule" {
            sections.extend(uci::parse(add).unwrap());
        } else if let Some(set) = command.strip_prefix("uci set firewall.@rule[-1].") {
            let (name, value) = set.split_once('=').unwrap();
            let option = uci::parse(&format!("{add}option {name} {value}")).unwrap();
            sections.last_mut().unwrap().options.extend(option[0].options.clone());
        } else if let Some(number) = command.strip_prefix("uci delete firewall.@forwarding[") {
            let number: usize = number.trim_end_matches(']').parse().unwrap();
            let forwardings = sections.iter().enumerate();
            let mut forwardings = forwardings.filter(|(_, it)| it.kind == "forwarding");
            let (at, _) = forwardings.nth(number).unwrap();
            sections.remove(at);
        } else {
            assert_eq!(command, "uci commit firewall; service firewall reload");
        }
    }
    sections
}

#[test]
fn what_is_pasted_closes_the_zone_and_opens_the_portal_and_nothing_is_advised_then() {
    let network = uci::parse(NETWORK).unwrap();
    let forwarding = "config forwarding\n\toption src 'guest'\n\toption dest 'wan'\n";
    let guest = inn();
    let dns = "config rule\noption src guest\noption proto udp\noption dest_port '50-70'\n\
               option target ACCEPT\n";
    for (more, advised) in [
        (String::new(), 2),
        (forwarding.to_owned(), 2),
        (RULE.to_owned(), 1),
        (format!("{forwarding}{RULE}{dns}"), 2),
    ] {
        let firewall = format!("{ZONE}{more}");
        let before = uci::parse(&firewall).unwrap();
        assert_eq!(of_one(&before, &network, &guest).len(), advised, "{more}");
        let after = pasted(&firewall, &guest);
        assert_eq!(of_one(&after, &network, &guest), [], "{more}\n{after:#?}");
        assert_eq!(
            admission(&after, &network, "br-guest"),
            Admission::Marked(super::tests::guest())
        );
        let marked = enabled(&after, "rule").filter(|it| accepts_the_mark(it)).count();
        assert_eq!(marked, 1, "{more}");
    }
    let accepting = ZONE.replace("'guest'\n", "'guest'\n\toption input 'ACCEPT'\n");
    let accepting = uci::parse(&format!("{accepting}{RULE}")).unwrap();
    assert_eq!(of_one(&accepting, &network, &guest), []);
}

#[test]
fn what_is_pasted_keeps_the_ways_that_there_were_for_who_has_signed_in() {
    let to =
        |dest: &str| format!("config forwarding\n\toption src 'guest'\n\toption dest '{dest}'\n");
    for rule in ["", RULE] {
        let after = pasted(&format!("{ZONE}{}{}{rule}", to("printers"), to("wan")), &inn());
        let sources: Vec<_> = enabled(&after, "forwarding").map(|it| text(it, "src")).collect();
        assert_eq!(sources, [Some("lan")]);
        let marked = enabled(&after, "rule").filter(|it| accepts_the_mark(it));
        let mut dests: Vec<_> = marked.filter_map(|it| text(it, "dest")).collect();
        dests.sort_unstable();
        assert_eq!(dests, ["printers", "wan"]);
    }
}

#[test]
fn nothing_is_pasted_that_shuts_others_out() {
    let forwarding = "config forwarding\n\toption src 'guest'\n\toption dest 'wan'\n";
    let with_lan =
        ZONE.replace("list network 'guests'", "list network 'guests'\n\tlist network 'lan'");
    let with_device =
        ZONE.replace("list network 'guests'", "list network 'guests'\n\tlist device 'eth1'");
    let of_all = forwarding.replace("'guest'", "'*'");
    for (firewall, told) in [
        (format!("{with_lan}{forwarding}"), "that of lan as well"),
        (format!("{with_device}{forwarding}"), "that of eth1 as well"),
        (format!("{ZONE}{of_all}"), "src '*'"),
    ] {
        let sections = uci::parse(&firewall).unwrap();
        let network = uci::parse(NETWORK).unwrap();
        let advice = of_one(&sections, &network, &inn());
        assert!(advice[0].finding.contains(told), "{advice:?}");
        assert_eq!(advice[0].commands, [""; 0]);
        let after = pasted(&firewall, &inn());
        let forwardings = |it: &[Section]| enabled(it, "forwarding").count();
        assert_eq!(forwardings(&after), forwardings(&sections));
    }
    // Another guest network is closed all the same.
    let both = "config guest a\noption device br-guest\nconfig guest b\noption device eth1\n";
    let guests = Config::parse(both).unwrap().guests;
    let sections = uci::parse(&format!("{with_device}{forwarding}")).unwrap();
    let advice = advice(&sections, &uci::parse(NETWORK).unwrap(), &guests[0], &guests);
    assert_eq!(advice[0].commands[0], "uci delete firewall.@forwarding[1]");
}
