//! The key in `api.key`: made once for this router, so that no two share one.

use std::io;
use std::path::{Path, PathBuf};

use rand::{Rng, RngExt};

use crate::atomic_file::write_durably;
use crate::domain::secret::Secret;

/// The file's name in the data directory.
const FILE_NAME: &str = "api.key";
/// Random bytes in a key: 256 bits.
const BYTES: usize = 32;

/// Where the key is kept.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// The key on file; made where there is none yet.
///
/// # Errors
/// What the file system reports.
pub fn load_or_make(data_dir: &Path, rng: &mut dyn Rng) -> io::Result<Secret> {
    match std::fs::read_to_string(path(data_dir)) {
        Ok(text) if !text.trim().is_empty() => Ok(Secret::new(text.trim())),
        Ok(_) => make(data_dir, rng),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(data_dir, rng),
        Err(error) => Err(error),
    }
}

/// Puts a new key in force; the old one opens nothing any more.
///
/// # Errors
/// What the file system reports; the old key then stays.
pub fn make(data_dir: &Path, rng: &mut dyn Rng) -> io::Result<Secret> {
    let bytes: [u8; BYTES] = rng.random();
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    write_durably(&path(data_dir), format!("{text}\n").as_bytes())?;
    Ok(Secret::new(text))
}
