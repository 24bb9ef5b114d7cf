//! A disk that is full when a guest wants to sign in.

use crate::support::{Hotspot, until};

/// Puts the daemon's data on a file system of 640 KB.
fn small_disk(hotspot: &mut Hotspot) -> String {
    hotspot.stop();
    let data = format!("{}/data", hotspot.lab.directory().display());
    let moves = format!(
        "cp -a {data} {data}.kept && mount -t tmpfs -o size=640k none {data} && \
         cp -a {data}.kept/. {data}"
    );
    hotspot.router.ok(&["sh", "-c", &moves]);
    hotspot.start();
    data
}

#[test]
fn nobody_gets_in_whose_login_cannot_be_written_down_and_nobody_gets_out() {
    let Some(mut hotspot) = Hotspot::open() else { return };
    let (early, late) = (hotspot.lab.node("guest1"), hotspot.lab.node("guest2"));
    let (first, second) = (hotspot.voucher(&[]), hotspot.voucher(&[]));
    hotspot.sign_in(&early, &first);
    let data = small_disk(&mut hotspot);
    assert!(until(|| early.sees_site("-4")));
    hotspot.router.output(&["dd", "if=/dev/zero", &format!("of={data}/filler"), "bs=1k"]);
    let answer = hotspot.portal().sign_in(&late, &second);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(!late.sees_site("-4"));
    assert!(hotspot.active(&late).is_none());
    assert!(early.sees_site("-4"));
    // The first login has not begun: the voucher is as good as new once there is room.
    hotspot.router.ok(&["rm", &format!("{data}/filler")]);
    hotspot.sign_in(&late, &second);
    assert!(late.sees_site("-4"));
}
