//! 64 MB, ten thousand vouchers, a thousand guests: that fits. How much it takes is in `bench`.

use crate::crowd::{GUESTS, all_vouchers, invite_crowd, patient_router, sign_in};

#[test]
fn a_thousand_guests_and_ten_thousand_vouchers_fit() {
    let mut router = patient_router();
    invite_crowd(&mut router);
    let printed = all_vouchers(&mut router);
    let process = router.ok("pidof hotspotd");
    sign_in(&mut router, 0, &printed[..GUESTS]);
    assert_eq!(router.rows("sessions").len(), GUESTS);
    let elements = "nft list set netdev hotspotd download | grep -o 'comment \"session' | wc -l";
    assert_eq!(router.number(elements), GUESTS as u64);
    sign_in(&mut router, GUESTS, &printed[GUESTS..=GUESTS]);
    assert_eq!(router.rows("sessions").len(), GUESTS + 1);
    assert_eq!(router.ok("pidof hotspotd"), process, "it was started again:\n{}", router.log());
    let killed = router.run("dmesg | grep -i 'out of memory\\|oom-kill'").output;
    assert_eq!(killed, "");
}
