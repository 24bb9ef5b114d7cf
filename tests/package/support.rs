//! Packages to try, and a system to try them on.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

use super::skip;

/// The one that the stand-in for opkg takes.
pub const ARCHITECTURE: &str = "mipsel_24kc";

/// What scripts in the scratch root use: waiting, with a guard against hanging.
const WORDS: &str = "
	await() { n=0; until eval \"$1\"; do n=$((n + 1)); [ $n -lt 600 ] || { echo \"hangs: $1\"; ps; cat /tmp/log; exit 1; }; sleep 0.1; done; }
	gone() { if pidof hotspotd; then echo 'it runs'; exit 1; fi; }
	said() { await \"[ \\$(grep -c '$1' /tmp/log 2>/dev/null) -ge ${2:-1} ]\"; }
	install() { opkg install /tmp/hotspotd_*-r$1_*.ipk; }
	enable() { uci set hotspotd.main.enabled=1; uci commit hotspotd; service hotspotd start; said 'is ready'; }
	vouchers() { hotspotd voucher list --format csv | grep -c room; }
";

/// A directory that goes away with the test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
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

/// Where we are.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a command prints, which has to succeed.
pub fn succeed(command: &mut Command) -> String {
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
pub fn pack(program: &Path, release: u32, into: &Path) -> PathBuf {
    let told = succeed(
        Command::new(repository().join("openwrt/package"))
            .args([ARCHITECTURE.as_ref(), program.as_os_str(), into.as_os_str()])
            .env("PKG_RELEASE", release.to_string())
            .env("SOURCE_DATE_EPOCH", "1700000000"),
    );
    PathBuf::from(told.lines().next().unwrap())
}

/// The program under test, without what only a debugger needs, in two releases.
pub fn packages() -> &'static [PathBuf; 2] {
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
pub fn member(package: &Path, archive: &str, name: &str) -> String {
    let script = "tar -xzOf \"$0\" ./\"$1\" | tar -xzOf - ./\"$2\"";
    succeed(Command::new("sh").args(["-c", script]).arg(package).args([archive, name]))
}

/// What is in an archive inside the package, with modes and times.
pub fn listing(package: &Path, archive: &str) -> Vec<String> {
    let script = "tar -xzOf \"$0\" ./\"$1\" | TZ=UTC tar -tvzf - --numeric-owner --full-time";
    let text = succeed(Command::new("sh").args(["-c", script]).arg(package).arg(archive));
    text.lines().map(str::to_owned).collect()
}

/// A system with nothing of ours yet but the packages in `/tmp`; `None`, and says why, where this
/// machine cannot have one.
pub struct System(pub Scratch);

impl System {
    pub fn new() -> Option<Self> {
        let scratch = Scratch::new();
        let root = repository().join("tests/package/root");
        let told = succeed(
            Command::new(root)
                .args(["make".as_ref(), scratch.0.as_os_str()])
                .arg(env!("CARGO_BIN_EXE_hotspotd")),
        );
        if let Some(why) = skip::reason(&told) {
            skip::skipped(why.trim_end());
            return None;
        }
        for package in packages() {
            fs::copy(package, scratch.0.join("tmp").join(package.file_name().unwrap())).unwrap();
        }
        Some(Self(scratch))
    }

    /// What a script says there; every process that it has started ends with it. The last command
    /// must not take the shell's place, and with it that of the init process.
    pub fn run(&self, script: &str) -> String {
        let root = repository().join("tests/package/root");
        succeed(
            Command::new(root)
                .args(["run".as_ref(), self.0.0.as_os_str()])
                .arg(format!("{WORDS}\nexec 2>&1\n{script}\ntrue")),
        )
    }

    /// A file of it, or nothing.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.0.join(path)).unwrap_or_default()
    }
}
