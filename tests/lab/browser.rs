//! A guest with a browser: from the site they wanted, by the portal, to the site they wanted.

use crate::support::{Browser, Hotspot, Lab, SITE};

#[test]
fn without_a_hotspot_the_browser_shows_the_site() {
    let Some(lab) = Lab::up() else { return };
    let guest = lab.node("guest1");
    let Some(browser) = Browser::open(&lab, &guest) else { return };
    browser.visit(SITE);
    browser.reads("This is www.example.test/");
    browser.pictures("site");
}

#[test]
fn a_guest_signs_in_goes_on_and_signs_out() {
    let Some(hotspot) = Hotspot::open() else { return };
    let guest = hotspot.lab.node("guest1");
    let Some(browser) = Browser::open(&hotspot.lab, &guest) else { return };
    let voucher = hotspot.voucher(&["--valid-for", "2 hours", "--download-limit", "100"]);
    browser.visit(&format!("{SITE}wanted?by=guest"));
    assert!(browser.url().contains(":8880/?next="), "{}", browser.url());
    browser.pictures("sign-in");
    browser.types("input[name=username]", &voucher.username);
    browser.types("input[name=passcode]", "mistyped");
    browser.taps("form[action='/login'] button");
    browser.reads("This passcode is not right");
    browser.pictures("mistyped");
    browser.types("input[name=passcode]", &voucher.passcode);
    browser.taps("form[action='/login'] button");
    browser.reads("You are online");
    browser.pictures("online");
    browser.taps("a.button");
    browser.reads("This is www.example.test/wanted");
    assert!(browser.url().ends_with("/wanted?by=guest"), "{}", browser.url());
    browser.visit(&hotspot.portal().url("/"));
    browser.reads(&voucher.username);
    browser.taps("form[action='/logout'] button");
    browser.reads("You are signed out");
    browser.pictures("signed-out");
    assert!(!guest.sees_site("-4"));
    browser.visit(SITE);
    assert!(browser.url().contains(":8880/?next="), "{}", browser.url());
}
