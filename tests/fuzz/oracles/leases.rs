//! `neighbour::leases`: an input is a leases file.
//!
//! - Nothing panics, and what is kept is bounded.
//! - Every name is a plain host name that stands in the file.
//! - The file twice over says the same; so do its names, written as dnsmasq does.

use hotspotd::neighbour::leases::parse;

pub fn check(data: &[u8]) {
    let names = parse(data);
    assert!(names.len() <= 8192);
    let mut written = String::new();
    for (mac, name) in &names {
        assert!((1..=253).contains(&name.len()), "{name:?}");
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        assert!(name.chars().all(plain), "{name:?}");
        let stands = data.windows(name.len()).any(|window| window == name.as_bytes());
        assert!(stands, "{name} is from nowhere");
        written.push_str(&format!("1 {mac} 192.0.2.1 {name} *\n"));
    }
    assert_eq!(parse(written.as_bytes()), names);
    assert_eq!(parse(&[data, b"\n", data].concat()), names);
}
