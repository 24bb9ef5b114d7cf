//! Text that must never reach a log line.

use std::fmt;

use subtle::ConstantTimeEq;

/// A passcode, API key or shared secret.
///
/// `Debug` prints `[secret]`, there is no `Display`, and comparison takes the same time
/// wherever the first difference is (the length is not hidden).
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The clear text, for the one place that has to send, store or show it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `other` is the same text, compared in constant time.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(&other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_text() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some([secret])");
    }

    #[test]
    fn only_the_same_text_matches() {
        let key = Secret::new("abc");
        assert!(key.matches("abc"));
        for other in ["", "ab", "abd", "abcd", "ABC"] {
            assert!(!key.matches(other), "{other:?} matched");
        }
    }
}
