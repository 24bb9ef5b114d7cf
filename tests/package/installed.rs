//! What the packages do on a system that has them installed.

use std::fs;

use super::support::{System, repository};

#[test]
fn an_installation_does_nothing_until_it_is_enabled() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1
        gone; ls /etc/rc.d /etc/uci-defaults; stat -c %a /etc/config/hotspotd
        cmp /etc/config/hotspotd /tmp/shipped || cp /etc/config/hotspotd /tmp/shipped
        echo ---; enable; pidof hotspotd >/dev/null; service hotspotd status; hotspotd voucher create
        service hotspotd check",
    );
    let (before, after) = told.split_once("---").unwrap();
    assert!(before.contains("hotspotd is installed and does nothing yet"), "{told}");
    assert!(before.contains("option enabled of section 'main'"), "{told}");
    assert!(before.contains("S95hotspotd") && before.contains("K10hotspotd"), "{told}");
    assert!(!before.contains("80_hotspotd"), "uci-defaults are to be done with: {told}");
    assert!(before.contains("600\n"), "{told}");
    assert!(after.contains("running\n"), "{told}");
    assert!(after.contains("passcode") && after.contains("ok    daemon"), "{told}");
    let shipped = fs::read_to_string(repository().join("openwrt/files/hotspotd.config")).unwrap();
    assert_eq!(system.read("tmp/shipped"), shipped, "uci-defaults left it as it was shipped");
}

#[test]
fn an_upgrade_goes_on_with_vouchers_and_configuration() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1; enable; hotspotd voucher create --username room1; old=$(pidof hotspotd)
        echo ---; install 2; said 'is ready' 2
        [ $(pidof hotspotd) != $old ]; echo vouchers $(vouchers); uci get hotspotd.main.enabled
        ls /etc/config /etc/rc.d",
    );
    let (_, after) = told.split_once("---").unwrap();
    assert!(after.contains("Upgrading hotspotd on root from"), "{told}");
    assert!(after.contains("vouchers 1\n1\n"), "{told}");
    assert!(after.contains("hotspotd-opkg") && after.contains("S95hotspotd"), "{told}");
    assert!(!after.contains("does nothing yet"), "{told}");
    assert!(!system.read("tmp/nft.log").contains("delete"), "guests would have noticed");
    assert!(system.read("tmp/log").contains("all state is flushed"));
}

#[test]
fn a_service_that_its_owner_has_disabled_stays_so_when_upgraded() {
    let Some(system) = System::new() else { return };
    let told =
        system.run("install 1; service hotspotd disable; install 2 >/dev/null; ls /etc/rc.d");
    let (_, after) = told.split_once("Configuring").unwrap();
    assert!(!after.contains("S95hotspotd"), "{told}");
}

#[test]
fn removal_leaves_vouchers_and_nothing_that_runs() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1; enable; hotspotd voucher create --username room1
        # It takes its time to stop.
        kill -STOP $(pidof hotspotd); (sleep 3; kill -CONT $(pidof hotspotd)) &
        echo ---; opkg remove hotspotd; gone; find /etc /lib /usr /var",
    );
    let (_, after) = told.split_once("---").unwrap();
    for gone in ["S95hotspotd", "hotspotd.sh", "50-hotspotd", "hotspotd.sock", "procd/hotspotd"] {
        assert!(!after.contains(gone), "{gone}: {told}");
    }
    assert!(after.contains("hotspotd.db") && after.contains("api.key"), "{told}");
    let deleted: Vec<String> =
        system.read("tmp/nft.log").lines().map(|line| line.trim().to_owned()).collect();
    assert_eq!(deleted, ["delete table netdev hotspotd", "delete table inet hotspotd"]);
}

#[test]
fn the_configuration_switches_the_service_and_reload_disturbs_nobody() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1 >/dev/null; reload_config
        uci set hotspotd.main.enabled=1; uci commit hotspotd; reload_config; said 'is ready'
        first=$(pidof hotspotd)
        uci set hotspotd.voucher.devices=2; uci commit hotspotd; reload_config
        said 'configuration read again'; [ $(pidof hotspotd) = $first ]; echo the same
        uci set hotspotd.main.enabled=0; uci commit hotspotd; reload_config
        await '! pidof hotspotd >/dev/null'; echo off",
    );
    assert!(told.ends_with("off\n") && told.contains("the same\n"), "{told}");
}

/// As the block of docs/install.md is pasted: each line as soon as the one before has ended.
#[test]
fn what_is_typed_right_after_a_start_finds_the_daemon() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1 >/dev/null 2>&1; hotspotd voucher list 2>&1 || true; uci set hotspotd.main.enabled=1
        hotspotd check | grep wait; uci commit hotspotd; hotspotd check | grep '^FAIL' || true
        echo ---; service hotspotd start; hotspotd voucher list
        # It takes its time to stop.
        kill -STOP $(pidof hotspotd); (sleep 2; kill -CONT $(pidof hotspotd)) &
        service hotspotd restart; hotspotd voucher list; service hotspotd start 2>&1",
    );
    let (before, after) = told.split_once("---\n").unwrap();
    assert!(before.contains("start it with 'service hotspotd start'"), "{told}");
    assert!(before.contains("'uci commit hotspotd; service hotspotd reload'"), "{told}");
    assert!(before.contains("FAIL  daemon         no daemon is running"), "{told}");
    assert!(after.starts_with("(none)\n(none)\nhotspotd runs already"), "{told}");
}

#[test]
fn a_wrong_configuration_is_told_once_and_the_service_starts_when_it_is_mended() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1 >/dev/null; uci set hotspotd.main.enabled=1; uci set hotspotd.api.alow_get=1
        uci commit hotspotd; service hotspotd start 2>&1; sleep 6; gone
        echo ---; cat /tmp/log 2>/dev/null || true; uci delete hotspotd.api.alow_get
        uci commit hotspotd; reload_config; said 'is ready'; echo mended
        first=$(pidof hotspotd); uci set hotspotd.api.alow_get=1; uci commit hotspotd
        for word in start reload; do service hotspotd $word 2>/dev/null; done
        ! service hotspotd restart 2>/dev/null; uci set hotspotd.main.enabled=ture; uci commit hotspotd
        for word in start reload; do service hotspotd $word 2>/dev/null; done
        sleep 2; [ $(pidof hotspotd) = $first ]; echo the same",
    );
    let (start, after) = told.split_once("---\n").unwrap();
    assert_eq!(start.matches("did you mean 'allow_get'?").count(), 1, "{told}");
    assert!(start.contains("not started: "), "{told}");
    assert_eq!(after, "mended\nthe same\n", "the daemon ran all the same");
}

/// The jail is a stand-in as well: what is shown is what procd is told, and that the daemon does with
/// an empty environment and a process between it and procd.
#[test]
fn a_jail_is_on_request_and_hands_signals_on() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "privileges() { grep NoNewPrivs /proc/$(pidof hotspotd)/status; }
        install 1 >/dev/null; enable; privileges; ls /var/run/procd/hotspotd
        echo ---; uci set hotspotd.main.jail=1; uci commit hotspotd; service hotspotd restart
        said 'is ready' 2; privileges; tr '\\0' ' ' </proc/$(pidof hotspotd)/environ; echo
        cd /var/run/procd/hotspotd; for it in jail capabilities no_new_privs; do cat $it; echo; done
        first=$(pidof hotspotd); service hotspotd reload; said 'configuration read again'
        [ $(pidof hotspotd) = $first ]; service hotspotd stop; said 'all state is flushed' 2
        echo ---; rm /sbin/ujail; service hotspotd start; said 'is ready' 3; privileges",
    );
    let [root, jailed, without] = told.split("---\n").collect::<Vec<_>>()[..] else {
        panic!("{told}")
    };
    assert!(root.contains("NoNewPrivs:\t0") && !root.contains("jail"), "{told}");
    let parameters = "NoNewPrivs:\t1\ncontainer=ujail \n'hotspotd' \n\
                      '/etc/capabilities/hotspotd.json' \n'1' \n";
    assert_eq!(jailed, parameters);
    assert!(without.contains("there is no ujail"), "{told}");
    assert!(without.contains("NoNewPrivs:\t0"), "{told}");
    assert!(!system.read("tmp/log").contains("SIGKILL"), "{}", system.read("tmp/log"));
}

#[test]
fn a_daemon_that_dies_comes_back_and_restarts_are_in_order() {
    let Some(system) = System::new() else { return };
    system.run(
        "install 1 >/dev/null; enable
        kill -9 $(pidof hotspotd); said 'is ready' 2
        service hotspotd restart; said 'is ready' 3",
    );
    let log = system.read("tmp/log");
    let third = log.rfind("is ready").unwrap();
    assert!(log[..third].contains("stopped; all state is flushed"), "{log}");
    assert!(!log.contains("another hotspotd is running"), "{log}");
}

#[test]
fn a_reboot_waits_until_everything_is_written_down() {
    let Some(system) = System::new() else { return };
    system.run(
        "install 1 >/dev/null; enable
        kill -STOP $(pidof hotspotd); (sleep 3; kill -CONT $(pidof hotspotd)) &
        rcS K shutdown; gone; cp /tmp/log /tmp/log.then",
    );
    assert!(system.read("tmp/log.then").contains("all state is flushed"));
}

#[test]
fn a_backup_has_a_snapshot_in_the_place_of_a_database_in_use() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1 >/dev/null; enable; echo /etc/hotspotd >/etc/sysupgrade.conf
        mkdir /etc/hotspotd/portal; echo Hello >/etc/hotspotd/portal/title.txt
        hotspotd voucher create --username room1 >/dev/null
        sysupgrade -b /tmp/backup.tgz; tar -tzf /tmp/backup.tgz",
    );
    for kept in ["snapshot.db", "api.key", "portal/title.txt", "etc/config/hotspotd"] {
        assert!(told.contains(kept), "{kept}: {told}");
    }
    assert!(!told.contains("hotspotd/hotspotd.db"), "{told}");

    let Some(fresh) = System::new() else { return };
    fs::copy(system.0.0.join("tmp/backup.tgz"), fresh.0.0.join("tmp/backup.tgz")).unwrap();
    let told = fresh.run(
        "sysupgrade -r /tmp/backup.tgz; install 2; said 'is ready'; echo vouchers $(vouchers)
        cat /etc/hotspotd/portal/title.txt",
    );
    assert!(told.ends_with("vouchers 1\nHello\n"), "{told}");
}

#[test]
fn pages_are_kept_where_the_vouchers_are_on_another_disk() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1 >/dev/null 2>&1; mkdir -p /mnt/usb /etc/inn; echo Hello >/etc/inn/title.txt
        uci set hotspotd.main.data_dir=/mnt/usb; uci set hotspotd.inn=guest
        uci set hotspotd.inn.device=br-inn; uci set hotspotd.inn.pages=/etc/inn; enable
        sysupgrade -l",
    );
    assert!(told.contains("/etc/inn/title.txt\n"), "{told}");
    assert!(!told.contains("/mnt/usb"), "{told}");
}

#[test]
fn a_database_at_rest_is_kept_as_it_is() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1 >/dev/null; enable; hotspotd voucher create --username room1 >/dev/null
        service hotspotd stop; await '! pidof hotspotd >/dev/null'
        sysupgrade -b /tmp/backup.tgz; tar -tzf /tmp/backup.tgz",
    );
    assert!(told.contains("etc/hotspotd/hotspotd.db\n"), "{told}");
}

#[test]
fn an_upgrade_of_the_system_stops_the_daemon_and_keeps_the_database() {
    let Some(system) = System::new() else { return };
    // A directory of that name cannot be replaced by a file.
    let told = system.run(
        "install 1 >/dev/null; enable; mkdir /etc/hotspotd/hotspotd.snapshot.db
        echo /etc/hotspotd >/etc/sysupgrade.conf
        sysupgrade -l >/dev/null; sysupgrade -b /tmp/backup.tgz; pidof hotspotd >/dev/null; echo runs
        hotspotd voucher create --username room1 >/dev/null
        sysupgrade -k /tmp/upgrade.tgz; tar -tzf /tmp/upgrade.tgz; gone",
    );
    let (backup, upgrade) = told.split_once("runs\n").unwrap();
    assert!(backup.contains("no snapshot could be written"), "{told}");
    assert!(upgrade.contains("hotspotd stops"), "{told}");
    assert!(upgrade.contains("etc/hotspotd/hotspotd.db\n"), "{told}");
    assert!(!upgrade.contains("hotspotd.db-wal"), "{told}");

    let Some(fresh) = System::new() else { return };
    fs::copy(system.0.0.join("tmp/upgrade.tgz"), fresh.0.0.join("tmp/upgrade.tgz")).unwrap();
    let told = fresh.run("sysupgrade -r /tmp/upgrade.tgz; install 2; said 'is ready'; vouchers");
    assert!(told.ends_with("\n1\n"), "{told}");
}

#[test]
fn hooks_are_silent_and_reach_the_daemon() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1 >/dev/null 2>&1
        ACTION=stratum hotplug-call ntp; ACTION=add hotplug-call dhcp
        enable; mv /usr/sbin/hotspotd /tmp/real
        printf '%s\\n' '#!/bin/sh' 'echo \"$*\" >>/tmp/asked' '/tmp/real \"$@\"' 'echo $? >>/tmp/asked' >/usr/sbin/hotspotd
        chmod 755 /usr/sbin/hotspotd
        ACTION=unsync hotplug-call ntp; ACTION=arp-add hotplug-call dhcp
        ACTION=stratum hotplug-call ntp; ACTION=update hotplug-call dhcp",
    );
    assert_eq!(told, "");
    let asked = system.read("tmp/asked");
    assert_eq!(asked, "notify clock-synchronised\n0\nnotify leases-changed\n0\n");
}

#[test]
fn a_kept_configuration_without_names_can_be_switched_on() {
    let Some(system) = System::new() else { return };
    fs::create_dir_all(system.0.0.join("etc/config")).unwrap();
    let kept = "config hotspotd\n\toption log_level 'debug'\n";
    fs::write(system.0.0.join("etc/config/hotspotd"), kept).unwrap();
    let told = system
        .run("install 1 >/dev/null; uci show hotspotd; enable; stat -c %a /etc/config/hotspotd");
    assert!(told.contains("hotspotd.main.log_level='debug'"), "{told}");
    assert!(told.contains("hotspotd.main.enabled='0'"), "{told}");
    assert!(told.ends_with("600\n"), "{told}");
}
