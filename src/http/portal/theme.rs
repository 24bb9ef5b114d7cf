//! The theme: the operator's logo, colours, texts and terms.
//!
//! The files are in the folder that `option pages` names, and are read into memory at the start and
//! on a reload; no request touches the disk. Every file is optional. A file that cannot be used is
//! logged and ignored.
//!
//! | file | what it is | at most |
//! |---|---|---|
//! | `logo.svg` `.png` `.jpg` `.webp` | above the title, 96 pixels high | 64 KB |
//! | `title.txt` | the title, one line | 200 bytes |
//! | `welcome.txt` | below the title | 2 KB |
//! | `terms.txt` | terms of use, folded out on the sign-in page | 16 KB |
//! | `brand.conf` | `accent = #1d4ed8`; `terms = box` | 1 KB |
//! | `style.css` | goes behind the built-in style sheet | 16 KB |
//!
//! Texts are plain UTF-8; an empty line begins a paragraph. `welcome.de.txt` is for those who read
//! German, `welcome.txt` for everybody without a file of their own. With `terms = box` guests must
//! tick a box; without it a line says that connecting means accepting.
//!
//! Pages load nothing from elsewhere, so neither can `style.css`. It may set the variables
//! `--page --card --text --soft --line --rule --accent --on-accent`.

mod load;

use axum::body::Bytes;

use super::i18n::Text;

/// The built-in style sheet.
const STYLE: &str = include_str!("style.css");

/// The operator's part in the pages.
#[derive(Clone, Debug)]
pub struct Theme {
    style: String,
    pub(super) logo: Option<Logo>,
    pub(super) title: LocalizedText,
    pub(super) welcome: LocalizedText,
    pub(super) terms: LocalizedText,
    /// Whether guests must tick a box.
    pub(super) terms_box: bool,
}

/// A picture and its media type.
#[derive(Clone, Debug)]
pub(super) struct Logo {
    kind: &'static str,
    bytes: Bytes,
}

/// A text in some languages; the default has an empty tag.
#[derive(Clone, Debug, Default)]
pub(super) struct LocalizedText(Vec<(&'static str, String)>);

impl Default for Theme {
    fn default() -> Self {
        Self {
            style: STYLE.to_owned(),
            logo: None,
            title: LocalizedText::default(),
            welcome: LocalizedText::default(),
            terms: LocalizedText::default(),
            terms_box: false,
        }
    }
}

impl Theme {
    /// The whole style sheet.
    pub(super) fn style(&self) -> &str {
        &self.style
    }
}

impl Logo {
    /// Detects the media type from the content: a file name can be wrong.
    fn sniff(bytes: Vec<u8>) -> Option<Self> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii_start();
        let kind = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            _ if is_svg(text) => "image/svg+xml",
            _ => return None,
        };
        Some(Self { kind, bytes: Bytes::from(bytes) })
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    pub(super) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }
}

fn is_svg(text: &[u8]) -> bool {
    let starts = [b"<svg".as_slice(), b"<?xml", b"<!--", b"<!DOCTYPE svg"];
    let tag = || std::str::from_utf8(text).is_ok_and(|text| text.contains("<svg"));
    starts.iter().any(|start| text.starts_with(start)) && tag()
}

impl LocalizedText {
    /// The text in a language, or the default one.
    pub(super) fn in_language(&self, text: &Text) -> Option<&str> {
        let tagged = |tag: &str| self.0.iter().find(|(own, _)| *own == tag);
        tagged(text.tag).or_else(|| tagged("")).map(|(_, words)| words.as_str())
    }
}
