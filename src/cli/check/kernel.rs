//! The kernel: which it is, and whether it can carry the rules.

use super::{Report, Verdict};

/// The first Linux whose sets take several statements per element (`NFTA_SET_EXPRESSIONS`), as ours
/// have: quota and counter. OpenWrt 22.03 has 5.10.
const FIRST: (u32, u32) = (5, 11);

impl Report {
    /// What this machine runs; `enforced` where rules are wanted.
    pub(super) fn kernel(&mut self, enforced: bool) {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let (verdict, finding) = finding(release.trim(), enforced);
        self.line(verdict, "kernel", finding);
    }
}

fn finding(release: &str, enforced: bool) -> (Verdict, String) {
    let found = format!("Linux {release} on {}", std::env::consts::ARCH);
    if !enforced || version(release).is_none_or(|version| version >= FIRST) {
        return (Verdict::Ok, found);
    }
    let finding = format!(
        "{found} cannot take the rules for guests: Linux 5.11 or later is needed, OpenWrt 23.05 has \
         it"
    );
    (Verdict::Fail, finding)
}

/// The first two numbers of a release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_cannot_hold_the_rules_is_a_failure() {
        for (release, verdict) in [
            ("5.10.176", Verdict::Fail),
            ("4.14", Verdict::Fail),
            ("5.4.0-rc1", Verdict::Fail),
            ("5.11", Verdict::Ok),
            ("5.15.167", Verdict::Ok),
            ("6.1.0-50-4kc-malta", Verdict::Ok),
            ("", Verdict::Ok),
            ("next", Verdict::Ok),
            ("5", Verdict::Ok),
            (".4", Verdict::Ok),
            ("99999999999.1", Verdict::Ok),
        ] {
            let (found, text) = finding(release, true);
            assert!(found == verdict, "{release}: {text}");
            assert_eq!(text.contains("OpenWrt 23.05"), verdict == Verdict::Fail, "{text}");
            assert!(finding(release, false).0 == Verdict::Ok, "{release}");
        }
    }
}
