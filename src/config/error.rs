//! What can be wrong with a configuration file, told to the person who edits it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::MAX_FILE_SIZE;

/// One thing to correct in a file. Never contains a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// Names section and option, and says what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Why there is no configuration. `Display` has one line per problem, each beginning with the
/// path and, inside the file, the line: `PATH:LINE: message`.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be opened or read.
    Unreadable {
        /// As it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has more than [`MAX_FILE_SIZE`] bytes.
    TooLarge {
        /// As it was given.
        path: PathBuf,
    },
    /// The file says something wrong.
    Invalid {
        /// As it was given.
        path: PathBuf,
        /// At least one, in the order of the lines.
        problems: Vec<Problem>,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                write!(f, "cannot read {}: {}; {}", path.display(), reason(source), advice(source))
            }
            Self::TooLarge { path } => write!(
                f,
                "cannot read {}: it has more than {} KiB; is this the configuration file?",
                path.display(),
                MAX_FILE_SIZE / 1024,
            ),
            Self::Invalid { path, problems } => {
                for (index, Problem { line, message }) in problems.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "\n" };
                    write!(f, "{separator}{}:{line}: {message}", path.display())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::TooLarge { .. } | Self::Invalid { .. } => None,
        }
    }
}

/// The system's words without the number that Rust appends to them.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_owned())
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "name the right file with -c FILE",
        io::ErrorKind::PermissionDenied => "run hotspotd as root, or let its user read the file",
        io::ErrorKind::IsADirectory => "name a file in it with -c FILE",
        _ => "check the file and the storage it is on",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    /// A file of its own in the system's temporary directory, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, bytes: &[u8]) -> Self {
            let path = std::env::temp_dir().join(format!("hotspotd-{}-{name}", std::process::id()));
            std::fs::write(&path, bytes).unwrap();
            Self(path)
        }

        fn error(&self) -> String {
            let told = Config::load(&self.0).expect_err("a broken file").to_string();
            told.replace(&self.0.display().to_string(), "PATH")
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_file_is_read() {
        let file = Scratch::new("good", b"config api\n\toption enabled '1'\n");
        assert!(Config::load(&file.0).unwrap().api.enabled);
    }

    #[test]
    fn errors_of_a_file_name_path_and_line() {
        let told =
            Scratch::new("bad", b"config api 'api'\noption allow_gett 1\noption b 2\n").error();
        let expected = "PATH:2: section 'api': option 'allow_gett' is not known; did you mean \
                        'allow_get'?\nPATH:3: section 'api': option 'b' is not known";
        assert_eq!(told, expected);
        let told = Scratch::new("latin1", b"# fine\n# caf\xe9\n").error();
        assert!(told.starts_with("PATH:2: this line is not UTF-8"), "{told}");
        let told = Scratch::new("large", &vec![b'#'; 256 * 1024 + 1]).error();
        assert!(told.starts_with("cannot read PATH: it has more than 256 KiB"), "{told}");
    }

    #[test]
    fn an_unreadable_file_says_why_and_what_to_do() {
        let told = Config::load(Path::new("/nowhere/hotspotd")).unwrap_err().to_string();
        let start = "cannot read /nowhere/hotspotd: No such file or directory; name the right file";
        assert!(told.starts_with(start), "{told}");
        let told = Config::load(Path::new("/")).unwrap_err().to_string();
        assert!(told.starts_with("cannot read /: Is a directory; "), "{told}");
    }
}
