//! Files that survive a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

/// Writes a file that is either the old one or the whole new one, whenever the power goes.
///
/// # Errors
/// What the file system reports; a half-written file is removed.
pub fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    write_prepared(path, bytes, |_| Ok(()))
}

/// The same for a file of somebody else's: its owner and its mode stay.
///
/// # Errors
/// What the file system reports; the old file then stays.
pub fn replace_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let old = fs::metadata(path)?;
    write_prepared(path, bytes, |new| {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
        new.set_permissions(old.permissions())
    })
}

fn write_prepared(
    path: &Path,
    bytes: &[u8],
    prepare: impl FnOnce(&File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let partial = with_suffix(path, ".partial");
    let write = || {
        let _ = fs::remove_file(&partial);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        prepare(&file)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        sync_directory(path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&partial);
    })
}

/// A renamed file is durable only once its directory is.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        // A bare file name lies in the current directory.
        Some(parent) if parent.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Bytes free for us on the file system of `directory`.
///
/// # Errors
/// What the file system reports, or that it does not say.
pub fn free_bytes(directory: &Path) -> std::io::Result<u64> {
    let fs = statvfs(directory)?;
    // Both fields are 32 bits wide on some of the targets.
    #[allow(clippy::useless_conversion)]
    let (blocks, size) = (u64::from(fs.blocks_available()), u64::from(fs.fragment_size()));
    if fs.blocks() == 0 {
        // A file system in memory that keeps no count, such as ramfs.
        return Err(std::io::ErrorKind::Unsupported.into());
    }
    Ok(blocks.saturating_mul(size))
}

/// `path` with `suffix` behind its last component.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
