//! The packages for OpenWrt: what is in them, and what they do on a system that has them installed.
//!
//! The system is a scratch root of busybox and `tests/router/openwrt`, our stand-ins for opkg, procd,
//! uci and sysupgrade, so what is shown is what our scripts do, not what OpenWrt's programs do.

#[path = "package/installed.rs"]
mod installed;
#[path = "package/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use support::{ARCHITECTURE, Scratch, listing, member, pack, packages, repository, succeed};

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
        "nftables, kmod-nft-core, kmod-nft-netdev, kmod-nft-nat, kmod-nft-fib, \
         kmod-nf-conntrack-netlink"
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
    // It may hold secrets.
    let private = |entry: &&String| entry.ends_with(" ./etc/config/hotspotd");
    assert!(there.iter().find(private).unwrap().starts_with("-rw------- "), "{there:#?}");
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

/// The feed's Makefile is read by OpenWrt's make; here by make alone, with nothing around it.
#[test]
fn the_feed_makes_of_the_makefile_what_is_packed() {
    if Command::new("make").arg("--version").output().is_err() {
        return println!("skipped: missing: make");
    }
    let top = Scratch::new();
    let rust = top.0.join("feeds/packages/lang/rust");
    fs::create_dir_all(&rust).unwrap();
    for file in [top.0.join("rules.mk"), top.0.join("package.mk"), rust.join("rust-package.mk")] {
        fs::write(file, "").unwrap();
    }
    let (root, source) = (top.0.join("root"), top.0.join("source"));
    fs::create_dir_all(source.join("bin")).unwrap();
    fs::write(source.join("bin/hotspotd"), "the program").unwrap();
    let makefile = repository().join("openwrt/hotspotd/Makefile");
    // As in include/package-pack.mk: the recipe is expanded once when it is read, and once when it runs.
    let rules = format!(
        "include {}\ndefine Rules\ninstall:\n$(call Package/hotspotd/install,{})\nendef\n\
         $(eval $(Rules))\nexport Script=$(Package/hotspotd/$(WHICH))\nscript:\n\t@echo \"$$Script\"\n",
        makefile.display(),
        root.display()
    );
    fs::write(top.0.join("rules"), rules).unwrap();
    let make = |words: &[&str]| {
        let top = top.0.display();
        succeed(
            Command::new("make")
                .args(["-s", "-f", &format!("{top}/rules"), &format!("TOPDIR={top}")])
                .arg(format!("INCLUDE_DIR={top}"))
                .arg(format!("PKG_INSTALL_DIR={}", source.display()))
                .arg(format!("PKG_BUILD_DIR={}", repository().display()))
                .args(words),
        )
    };
    make(&["install"]);
    assert_eq!(fs::read_to_string(root.join("usr/sbin/hotspotd")).unwrap(), "the program");
    let find = |directory: &Path| {
        succeed(
            Command::new("sh").args(["-c", "cd \"$0\" && find . -type f | sort"]).arg(directory),
        )
    };
    let [package, _] = packages();
    let unpacked = Scratch::new();
    let script = "tar -xzOf \"$0\" ./data.tar.gz | tar -xzf - -C \"$1\"";
    succeed(Command::new("sh").args(["-c", script]).arg(package).arg(&unpacked.0));
    assert_eq!(find(&root), find(&unpacked.0));
    for which in ["postinst", "prerm"] {
        let packed = member(package, "control.tar.gz", &format!("{which}-pkg"));
        assert_eq!(make(&["script", &format!("WHICH={which}")]), packed);
    }
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
    for (script, may_be_left_out) in
        [("post-install", true), ("post-upgrade", true), ("pre-deinstall", false)]
    {
        assert_eq!(read(script).contains("IPKG_NO_SCRIPT"), may_be_left_out, "{script}");
    }
    for script in ["post-install", "post-upgrade", "pre-deinstall"] {
        succeed(Command::new("sh").arg("-n").arg(scratch.0.join(script)));
    }
}
