//! The packages for OpenWrt: what is in them, and what they do on a system that has them installed.
//!
//! The system is a scratch root of busybox and `tests/router/openwrt`, our stand-ins for opkg, procd,
//! uci and sysupgrade, so what is shown is what our scripts do, not what OpenWrt's programs do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

const ARCHITECTURE: &str = "mipsel_24kc";

/// What scripts in the scratch root use: waiting, with a guard against hanging.
const WORDS: &str = "
	await() { n=0; until eval \"$1\"; do n=$((n + 1)); [ $n -lt 600 ] || { echo \"hangs: $1\"; exit 1; }; sleep 0.1; done; }
	said() { await \"[ \\$(grep -c '$1' /tmp/log 2>/dev/null) -ge ${2:-1} ]\"; }
	install() { opkg install /tmp/hotspotd_*-r$1_*.ipk; }
	enable() { uci set hotspotd.main.enabled=1; uci commit hotspotd; service hotspotd start; said 'is ready'; }
	vouchers() { hotspotd voucher list --format csv | grep -c room; }
";

/// A directory that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            env::temp_dir().join(format!("hotspotd-package-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = String::from_utf8_lossy(&stdout).into_owned();
    assert!(
        status.success(),
        "{command:?}: {status}\n{text}\n{}",
        String::from_utf8_lossy(&stderr)
    );
    text
}

/// Packs a program, and gives the file's path.
fn pack(program: &Path, release: u32, into: &Path) -> PathBuf {
    let told = succeed(
        Command::new(repository().join("openwrt/package"))
            .args([ARCHITECTURE.as_ref(), program.as_os_str(), into.as_os_str()])
            .env("PKG_RELEASE", release.to_string())
            .env("SOURCE_DATE_EPOCH", "1700000000"),
    );
    PathBuf::from(told.lines().next().unwrap())
}

/// The program under test, without what only a debugger needs, in two releases.
fn packages() -> &'static [PathBuf; 2] {
    static PACKAGES: OnceLock<[PathBuf; 2]> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
        fs::create_dir_all(&into).unwrap();
        let program = into.join("hotspotd");
        succeed(Command::new("strip").arg("-o").arg(&program).arg(env!("CARGO_BIN_EXE_hotspotd")));
        [1, 2].map(|release| pack(&program, release, &into))
    })
}

/// A member of an archive inside the package.
fn member(package: &Path, archive: &str, name: &str) -> String {
    let script = "tar -xzOf \"$0\" ./\"$1\" | tar -xzOf - ./\"$2\"";
    succeed(Command::new("sh").args(["-c", script]).arg(package).args([archive, name]))
}

fn listing(package: &Path, archive: &str) -> Vec<String> {
    let script = "tar -xzOf \"$0\" ./\"$1\" | TZ=UTC tar -tvzf - --numeric-owner --full-time";
    let text = succeed(Command::new("sh").args(["-c", script]).arg(package).arg(archive));
    text.lines().map(str::to_owned).collect()
}

/// A system with nothing of ours yet but the packages in `/tmp`; `None`, and says why, where this
/// machine cannot have one.
struct System(Scratch);

impl System {
    fn new() -> Option<Self> {
        let scratch = Scratch::new();
        let root = repository().join("tests/package/root");
        let told = succeed(
            Command::new(root)
                .args(["make".as_ref(), scratch.0.as_os_str()])
                .arg(env!("CARGO_BIN_EXE_hotspotd")),
        );
        if told.starts_with("skipped") {
            print!("{told}");
            return None;
        }
        for package in packages() {
            fs::copy(package, scratch.0.join("tmp").join(package.file_name().unwrap())).unwrap();
        }
        Some(Self(scratch))
    }

    /// What a script says there; every process that it has started ends with it. The last command
    /// must not take the shell's place, and with it that of the init process.
    fn run(&self, script: &str) -> String {
        let root = repository().join("tests/package/root");
        succeed(
            Command::new(root)
                .args(["run".as_ref(), self.0.0.as_os_str()])
                .arg(format!("{WORDS}\nexec 2>&1\n{script}\ntrue")),
        )
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.0.join(path)).unwrap_or_default()
    }
}

#[test]
fn a_package_is_laid_out_as_opkg_reads_it() {
    let [package, _] = packages();
    let outer = succeed(Command::new("tar").arg("-tzf").arg(package));
    assert_eq!(outer, "./debian-binary\n./data.tar.gz\n./control.tar.gz\n");

    let control = member(package, "control.tar.gz", "control");
    let fields: BTreeMap<&str, &str> =
        control.lines().filter_map(|line| line.split_once(": ")).collect();
    let version = format!("{}-r1", env!("CARGO_PKG_VERSION"));
    assert_eq!(fields["Package"], "hotspotd");
    assert_eq!(fields["Version"], version);
    assert_eq!(fields["Architecture"], ARCHITECTURE);
    assert_eq!(fields["License"], env!("CARGO_PKG_LICENSE"));
    assert_eq!(
        fields["Depends"],
        "nftables, kmod-nft-core, kmod-nft-netdev, kmod-nft-nat, kmod-nft-fib"
    );
    let script = "tar -xzOf \"$0\" ./data.tar.gz | gzip -dc | wc -c";
    let size = succeed(Command::new("sh").args(["-c", script]).arg(package));
    assert_eq!(fields["Installed-Size"], size.trim());
    assert!(fields["Description"].starts_with("A complete guest hotspot"), "{control}");
    assert!(control.lines().last().unwrap().starts_with(' '), "{control}");
    let name = package.file_name().unwrap().to_str().unwrap();
    assert_eq!(name, format!("hotspotd_{version}_{ARCHITECTURE}.ipk"));
    assert_eq!(member(package, "control.tar.gz", "conffiles"), "/etc/config/hotspotd\n");
}

#[test]
fn a_package_holds_what_the_list_of_contents_says() {
    let [package, _] = packages();
    let there = listing(package, "data.tar.gz");
    let contents = fs::read_to_string(repository().join("openwrt/contents")).unwrap();
    let rows: Vec<Vec<&str>> = contents
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(' ').collect())
        .collect();
    assert!(rows.len() > 5, "{contents}");
    for row in &rows {
        let [mode, path, source] = row[..] else { panic!("{row:?}") };
        let entry = there.iter().find(|entry| entry.ends_with(&format!(" .{path}"))).unwrap();
        let letters = match mode {
            "0755" => "-rwxr-xr-x 0/0 ",
            "0644" => "-rw-r--r-- 0/0 ",
            "0600" => "-rw------- 0/0 ",
            other => panic!("{other}"),
        };
        assert!(entry.starts_with(letters), "{entry}");
        assert!(entry.contains(" 2023-11-14 22:13:20 "), "{entry}");
        if source != "-" {
            let ours = fs::read_to_string(repository().join(source)).unwrap();
            assert_eq!(member(package, "data.tar.gz", &path[1..]), ours, "{path}");
        }
    }
    let files = there.iter().filter(|entry| entry.starts_with('-')).count();
    assert_eq!(files, rows.len(), "{there:#?}");
}

#[test]
fn the_same_program_makes_the_same_package() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("LICENSE");
    let (one, other) = (Scratch::new(), Scratch::new());
    let copy = other.0.join("elsewhere");
    fs::copy(&program, &copy).unwrap();
    let made = [pack(&program, 1, &one.0), pack(&copy, 1, &other.0)];
    assert!(fs::read(&made[0]).unwrap() == fs::read(&made[1]).unwrap());
}

#[test]
fn an_installation_does_nothing_until_it_is_enabled() {
    let Some(system) = System::new() else { return };
    let told = system.run(
        "install 1
        ! pidof hotspotd; ls /etc/rc.d /etc/uci-defaults; stat -c %a /etc/config/hotspotd
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
    assert!(system.read("tmp/log").contains("everything is written down"));
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
        echo ---; opkg remove hotspotd; ! pidof hotspotd; find /etc /lib /usr /var",
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
    assert!(log[..third].contains("stopped; everything is written down"), "{log}");
    assert!(!log.contains("another hotspotd is running"), "{log}");
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
fn where_no_snapshot_can_be_written_an_upgrade_keeps_the_database() {
    let Some(system) = System::new() else { return };
    // A directory of that name cannot be replaced by a file.
    let told = system.run(
        "install 1 >/dev/null; enable; mkdir /etc/hotspotd/hotspotd.snapshot.db
        sysupgrade -b /tmp/backup.tgz; pidof hotspotd >/dev/null; echo runs
        sysupgrade -k /tmp/upgrade.tgz; tar -tzf /tmp/upgrade.tgz; ! pidof hotspotd",
    );
    let (backup, upgrade) = told.split_once("runs\n").unwrap();
    assert!(backup.contains("no snapshot could be written"), "{told}");
    assert!(upgrade.contains("the hotspot stops"), "{told}");
    assert!(upgrade.contains("etc/hotspotd/hotspotd.db\n"), "{told}");
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

#[test]
fn an_index_is_signed_and_tells_each_package() {
    if Command::new("signify-openbsd").output().is_err() {
        return println!("skipped: missing: signify-openbsd");
    }
    let feed = Scratch::new();
    let program = repository().join("LICENSE");
    let package = pack(&program, 1, &feed.0);
    let signify = |words: &[&str]| {
        Command::new("signify-openbsd").args(words).current_dir(&feed.0).output().unwrap()
    };
    assert!(signify(&["-G", "-n", "-p", "key.pub", "-s", "key.sec"]).status.success());
    succeed(
        Command::new(repository().join("openwrt/index")).arg(&feed.0).arg(feed.0.join("key.sec")),
    );

    let verify = ["-V", "-p", "key.pub", "-m", "Packages", "-x", "Packages.sig"];
    assert!(signify(&verify).status.success());
    let index = fs::read_to_string(feed.0.join("Packages")).unwrap();
    let sum = succeed(Command::new("sha256sum").arg(&package));
    for line in [
        format!("Filename: {}", package.file_name().unwrap().to_str().unwrap()),
        format!("Size: {}", fs::metadata(&package).unwrap().len()),
        format!("SHA256sum: {}", sum.split(' ').next().unwrap()),
    ] {
        assert!(index.lines().any(|it| it == line), "{line}\n{index}");
    }
    let unpacked = succeed(Command::new("gzip").arg("-dc").arg(feed.0.join("Packages.gz")));
    assert_eq!(unpacked, index);
    fs::write(feed.0.join("Packages"), index.replace("r1", "r9")).unwrap();
    assert!(!signify(&verify).status.success(), "what was tampered with");
}

/// What is told to `apk`; whether it does what we mean is not tried anywhere here.
#[test]
fn for_apk_the_same_files_and_scripts_are_handed_over() {
    let scratch = Scratch::new();
    let tool = scratch.0.join("apk");
    let record = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\nprintf '%s\\n' \"$@\" >words\n\
        while [ $# -gt 0 ]; do case $1 in\n--files) cp -r \"$2\" files ;;\n\
        --script) cp \"${2#*:}\" . ;;\nesac; shift; done\n";
    fs::write(&tool, record).unwrap();
    succeed(Command::new("chmod").arg("755").arg(&tool));
    let path = format!("{}:{}", scratch.0.display(), env::var("PATH").unwrap());
    succeed(
        Command::new(repository().join("openwrt/package"))
            .arg(ARCHITECTURE)
            .arg(repository().join("LICENSE"))
            .arg(&scratch.0)
            .env("PATH", path),
    );
    let read = |name: &str| fs::read_to_string(scratch.0.join(name)).unwrap();
    let words = read("words");
    let version = concat!("version:", env!("CARGO_PKG_VERSION"), "-r1");
    for word in ["mkpkg", "name:hotspotd", version, "arch:mipsel_24kc"] {
        assert!(words.lines().any(|it| it == word), "{word}\n{words}");
    }
    assert!(!words.contains("-pkg"), "{words}");
    let sum =
        succeed(Command::new("sha256sum").arg(repository().join("openwrt/files/hotspotd.config")));
    let known = read("files/lib/apk/packages/hotspotd.conffiles_static");
    assert_eq!(known, format!("/etc/config/hotspotd {}\n", sum.split(' ').next().unwrap()));
    assert!(read("files/lib/apk/packages/hotspotd.list").contains("/usr/sbin/hotspotd\n"));
    assert!(read("post-upgrade").contains("export PKG_UPGRADE=1"));
    assert!(!read("post-install").contains("export PKG_UPGRADE"));
    for script in ["post-install", "post-upgrade", "pre-deinstall"] {
        succeed(Command::new("sh").arg("-n").arg(scratch.0.join(script)));
    }
}
