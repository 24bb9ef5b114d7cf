use super::*;
use crate::config::{Config, uci};

const NETWORK: &str = "config interface 'guests'\n\toption device 'br-guest'\n";
const ZONE: &str = "config defaults\n\toption forward 'REJECT'\n\
                    config zone\n\toption name 'wan'\n\tlist network 'wan'\n\toption masq '1'\n\
                    config zone\n\toption name 'printers'\n\tlist network 'printers'\n\
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
    let open = Admission::Open(guest(), vec![Way::Forwarding("wan".to_owned())]);
    assert_eq!(told(forwarding), open);
    assert_eq!(told(&format!("{RULE}{forwarding}")), open);
    assert_eq!(told(&format!("{forwarding}\toption enabled '0'\n")), told(""));
    let accepting = ZONE.replace("REJECT", "ACCEPT");
    let open = Admission::Open(guest(), vec![Way::Policy]);
    assert_eq!(on_device(&accepting, NETWORK, "br-guest"), open);
    // Of a zone that is not there, firewall4 knows nothing.
    assert_eq!(told(&forwarding.replace("'wan'", "'internet'")), told(""));
}

#[test]
fn a_rule_that_accepts_everything_lets_everything_through() {
    let rule = "config rule\n\toption name 'All'\n\toption src 'guest'\n\toption dest 'wan'\n\
                \toption target 'ACCEPT'\n";
    let open = Admission::Open(guest(), vec![Way::Rule("All".to_owned())]);
    for more in ["proto 'all'", "proto 'tcp udp'", "family 'ipv4'", "proto 'tcp'"] {
        assert_eq!(told(&format!("{RULE}{rule}\toption {more}\n")), open, "{more}");
    }
    assert_eq!(told(&format!("{RULE}{}", rule.replace("'guest'", "'*'"))), open);
    assert_eq!(told(&format!("{RULE}{}", rule.replace("'wan'", "'*'"))), open);
    for more in ["proto 'icmp'", "dest_port '53'", "src_mac '02:00:00:00:00:01'", "enabled '0'"] {
        assert_eq!(told(&format!("{RULE}{rule}\toption {more}\n")), told(RULE), "{more}");
    }
    for option in ["src_ip", "dest_ip"] {
        let rule = format!("{RULE}{rule}\tlist {option} '192.0.2.1'\n");
        assert_eq!(told(&rule), told(RULE), "{option}");
    }
    for (from, to) in [("'ACCEPT'", "'REJECT'"), ("\toption dest 'wan'\n", ""), ("'wan'", "'no'")] {
        assert_eq!(told(&format!("{RULE}{}", rule.replace(from, to))), told(RULE), "{to}");
    }
    // All ways are told, and a rule without a name by its place.
    let forwarding = "config forwarding\n\toption src 'guest'\n\toption dest 'printers'\n";
    let unnamed = rule.replace("\toption name 'All'\n", "");
    let named = unnamed.replace("config rule", "config rule 'all'");
    let ways = match told(&format!("{RULE}{unnamed}{named}{forwarding}")) {
        Admission::Open(_, ways) => ways.iter().map(ToString::to_string).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(ways, ["to 'printers'", "by the rule '@rule[1]'", "by the rule 'all'"]);
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
        RULE.replace("'wan'", "'internet'"),
        RULE.replace("'wan'", "'guest'"),
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

fn set(section: &mut Section, name: &str, value: &str) {
    let value = value.trim_matches('\'');
    let other = uci::parse(&format!("config other\noption {name} '{value}'")).unwrap();
    section.options.retain(|option| option.name != name);
    section.options.extend(other[0].options.clone());
}

/// The commands, carried out on these sections as far as they are known here.
fn pasted(firewall: &str, guest: &Guest) -> Vec<Section> {
    let mut sections = uci::parse(firewall).unwrap();
    let network = uci::parse(NETWORK).unwrap();
    for command in of_one(&sections.clone(), &network, guest).iter().flat_map(|it| &it.commands) {
        let add = "config rule\n";
        if command == "uci add firewall rule" {
            sections.extend(uci::parse(add).unwrap());
        } else if let Some(option) = command.strip_prefix("uci set firewall.@rule[-1].") {
            let (name, value) = option.split_once('=').unwrap();
            set(sections.last_mut().unwrap(), name, value);
        } else if let Some(number) = command.strip_prefix("uci delete firewall.@forwarding[") {
            let number: usize = number.trim_end_matches(']').parse().unwrap();
            let forwardings = sections.iter().enumerate();
            let mut forwardings = forwardings.filter(|(_, it)| it.kind == "forwarding");
            let (at, _) = forwardings.nth(number).unwrap();
            sections.remove(at);
        } else if command == "uci set firewall.@defaults[0].forward='REJECT'" {
            let defaults = sections.iter_mut().find(|it| it.kind == "defaults").unwrap();
            set(defaults, "forward", "REJECT");
        } else if let Some(place) = command.strip_prefix("uci set firewall.") {
            let (place, option) = place.split_once('.').unwrap();
            assert_eq!(option, "enabled='0'");
            let number = place.strip_prefix("@rule[").and_then(|it| it.strip_suffix("]"));
            let mut rules = sections.iter_mut().filter(|it| it.kind == "rule");
            let rule = match number {
                Some(number) => rules.nth(number.parse().unwrap()),
                None => rules.find(|it| it.name.as_deref() == Some(place)),
            };
            set(rule.unwrap(), "enabled", "0");
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
    let everything = "config rule\noption src guest\noption dest wan\noption target ACCEPT\n";
    let everything = everything.to_owned();
    for (more, advised) in [
        (String::new(), 2),
        (forwarding.to_owned(), 2),
        (RULE.to_owned(), 1),
        (format!("{forwarding}{RULE}{dns}"), 2),
        (everything.clone(), 2),
        (everything.replace("config rule", "config rule 'all'"), 2),
        (format!("{everything}{dns}{everything}{forwarding}{RULE}"), 2),
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
        let marked = rules_for_the_mark(&after, "guest").count();
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
        let marked = rules_for_the_mark(&after, "guest");
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

/// Finding and commands of what closes the zone.
fn closing(firewall: &str) -> (String, Vec<String>) {
    let sections = uci::parse(firewall).unwrap();
    let mut advice = of_one(&sections, &uci::parse(NETWORK).unwrap(), &inn());
    let Advice { finding, commands, .. } = advice.remove(0);
    (finding, commands)
}

#[test]
fn the_default_policy_is_closed_only_where_all_others_can_do_without() {
    let accepting = ZONE.replace("REJECT", "ACCEPT");
    let printers = "config forwarding\n\toption src 'printers'\n\toption dest 'wan'\n";
    let (finding, commands) = closing(&accepting);
    assert!(finding.ends_with("then set it to REJECT: printers"), "{finding}");
    assert_eq!(commands, [""; 0]);
    for more in ["", RULE] {
        let firewall = format!("{accepting}{printers}{more}");
        let after = pasted(&firewall, &inn());
        let network = uci::parse(NETWORK).unwrap();
        assert_eq!(admission(&after, &network, "br-guest"), Admission::Marked(guest()));
        assert_eq!(of_one(&after, &network, &inn()), []);
    }
    // A forwarding that is off, or leads to a zone that is not there, is none.
    for other in
        [format!("{printers}\toption enabled '0'\n"), printers.replace("'wan'", "'internet'")]
    {
        assert_eq!(closing(&format!("{accepting}{other}")).1, [""; 0], "{other}");
    }
    // Nor does another guest network need one, unless nobody signs in there.
    let both = "config guest a\noption device br-guest\nconfig guest b\noption device br-b\n";
    let of_printers = accepting.replace("list network 'printers'", "list device 'br-b'");
    let sections = uci::parse(&of_printers).unwrap();
    for (more, is_closed) in [("", true), ("option enforce 0\n", false)] {
        let guests = Config::parse(&format!("{both}{more}")).unwrap().guests;
        let advice = advice(&sections, &uci::parse(NETWORK).unwrap(), &guests[0], &guests);
        assert_eq!(!advice[0].commands.is_empty(), is_closed, "{advice:?}");
    }
}

#[test]
fn exactly_the_rules_that_let_everybody_through_are_switched_off() {
    let rule = "config rule\n\toption src 'guest'\n\toption dest 'wan'\n\toption target 'ACCEPT'\n";
    let narrow = format!("{rule}\toption dest_port '53'\n");
    let named = rule.replace("config rule", "config rule 'all'");
    let (_, commands) = closing(&format!("{ZONE}{narrow}{rule}{named}{rule}{RULE}"));
    assert_eq!(
        commands,
        [
            "uci set firewall.@rule[3].enabled='0'",
            "uci set firewall.all.enabled='0'",
            "uci set firewall.@rule[1].enabled='0'",
            "uci commit firewall; service firewall reload",
        ]
    );
    // A rule for all zones is not ours to switch off.
    let of_all = rule.replace("'guest'", "'*'\n\toption name 'Everybody'");
    let (finding, commands) = closing(&format!("{ZONE}{of_all}{RULE}"));
    assert!(finding.starts_with("the rule 'Everybody' has src '*'"), "{finding}");
    assert_eq!(commands, [""; 0]);
}

#[test]
fn guests_are_let_to_the_zones_that_lead_to_the_internet() {
    let to = |source: &str, dest: &str| {
        format!("config forwarding\n\toption src '{source}'\n\toption dest '{dest}'\n")
    };
    let vpn = "config zone\n\toption name 'vpn'\n\toption masq '1'\n";
    let uplink = ZONE.replace("'wan'", "'uplink'");
    let routed = ZONE.replace("\toption masq '1'\n", "");
    let by_itself = ZONE.replace(&to("lan", "wan"), "");
    for (firewall, dests) in [
        (ZONE.to_owned(), vec!["wan"]),
        (uplink, vec!["uplink"]),
        // What the LAN may reach is not for guests, unless it is masqueraded.
        (format!("{ZONE}{}", to("lan", "printers")), vec!["wan"]),
        (format!("{ZONE}{vpn}"), vec!["wan"]),
        (format!("{ZONE}{vpn}{}", to("lan", "vpn")), vec!["wan", "vpn"]),
        (format!("{by_itself}{vpn}{}", to("printers", "vpn")), vec!["vpn"]),
        (by_itself.clone(), vec!["wan"]),
        (routed.clone(), vec!["wan"]),
        (format!("{routed}{}", to("lan", "printers")), vec![]),
        (by_itself.replace("\toption masq '1'\n", ""), vec![]),
    ] {
        let (finding, commands) = closing(&firewall);
        let found = commands.iter().filter_map(|it| it.split_once("[-1].dest='"));
        let found: Vec<_> = found.map(|(_, dest)| dest.trim_end_matches('\'')).collect();
        assert_eq!(found, dests, "{firewall}");
        assert_eq!(commands.is_empty(), dests.is_empty());
        let untold = "it cannot be told which zone leads to the internet";
        assert_eq!(finding.starts_with(untold), dests.is_empty(), "{finding}");
    }
}

#[test]
fn neither_the_uplink_nor_the_lan_is_closed_by_pasted_lines() {
    let firewall = uci::parse(ZONE).unwrap();
    for (interface, part) in [("wan", "leads to the internet"), ("lan", "not even SSH")] {
        let network = format!("config interface '{interface}'\n\toption device 'br-guest'\n");
        let told = of_one(&firewall, &uci::parse(&network).unwrap(), &inn());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].finding.contains(part) && told[0].commands.is_empty(), "{told:?}");
    }
    // Where nobody is held back, a LAN is as good as any other network.
    let open = Guest { enforce: false, ..inn() };
    let network = uci::parse("config interface 'lan'\n\toption device 'br-guest'\n").unwrap();
    let told = of_one(&firewall, &network, &open);
    assert!(told.iter().all(|it| !it.finding.contains("SSH")), "{told:?}");
    assert!(!told[0].commands.is_empty(), "{told:?}");
}

#[test]
fn a_device_in_no_zone_gets_lines_for_one() {
    let network = "config interface 'cafe'\n\toption device 'br-guest'\n";
    let told = of_one(&uci::parse(ZONE).unwrap(), &uci::parse(network).unwrap(), &inn());
    assert_eq!(told.len(), 1, "{told:?}");
    let made =
        "config zone\n\toption name 'cafe'\n\tlist network 'cafe'\n\toption forward 'REJECT'\n";
    for line in ["name='cafe'", "network='cafe'", "input='REJECT'", "forward='REJECT'"] {
        let line = format!("firewall.@zone[-1].{line}");
        assert!(told[0].commands.iter().any(|it| it.ends_with(&line)), "{line}: {told:?}");
    }
    let with_it = uci::parse(&format!("{ZONE}{made}")).unwrap();
    let next = of_one(&with_it, &uci::parse(network).unwrap(), &inn());
    assert!(next.iter().any(|it| it.finding.contains("who has signed in")), "{next:?}");
    // Another zone of that name, no interface, and no firewall of OpenWrt's.
    let taken = network.replace("cafe", "guest");
    for (firewall, network) in [(ZONE, taken.as_str()), (ZONE, ""), ("", network)] {
        let told = of_one(&uci::parse(firewall).unwrap(), &uci::parse(network).unwrap(), &inn());
        assert_eq!(told, [], "{network}");
    }
}
