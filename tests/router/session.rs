//! The whole story, as docs/install.md tells it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{PACKAGE, Router, here, package};
use crate::transcript;

/// The same program as a later release of the package.
fn next_release(directory: &Path) -> PathBuf {
    let unpack = |archive: &Path, to: &Path| {
        fs::create_dir_all(to).unwrap();
        let status =
            Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(to).status().unwrap();
        assert!(status.success(), "{}", archive.display());
    };
    let outer = directory.join("outer");
    unpack(&package(), &outer);
    unpack(&outer.join("data.tar.gz"), &directory.join("data"));
    let made = directory.join("next");
    let status = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("openwrt/package"))
        .env("PKG_RELEASE", "99")
        .arg("mipsel_24kc")
        .arg(directory.join("data/usr/sbin/hotspotd"))
        .arg(&made)
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let mut packages = fs::read_dir(made).unwrap().map(|entry| entry.unwrap().path());
    packages.find(|path| path.extension().is_some_and(|ending| ending == "ipk")).unwrap()
}

#[test]
fn the_session_is_true() {
    let mut router = Router::bare();
    router.put(&fs::read(package()).unwrap(), PACKAGE);
    let next = next_release(router.directory());
    router.put(&fs::read(next).unwrap(), "/tmp/hotspotd-next.ipk");
    transcript::run(&mut router, &here().join("session.txt"));
}
