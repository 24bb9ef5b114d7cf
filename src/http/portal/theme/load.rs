//! Loading a theme from its folder.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{Logo, STYLE, Theme};
use crate::http::portal::i18n::LANGUAGES;

/// Bytes of each kind of file.
const LOGO: u64 = 64 * 1024;
const CSS: u64 = 16 * 1024;
const CONF: u64 = 1024;
const TITLE: u64 = 200;
const WELCOME: u64 = 2 * 1024;
const TERMS: u64 = 16 * 1024;
/// Files that are read; a folder with more is the wrong folder.
const FILES: usize = 64;

impl Theme {
    /// Reads a folder. Also returns warnings: one sentence for each file that is not used.
    pub fn load(directory: &Path) -> (Self, Vec<String>) {
        let mut loader = Loader::default();
        match files(directory) {
            Ok(files) => {
                for path in files.iter().take(FILES) {
                    if let Err(why) = loader.file(path) {
                        loader.warnings.push(format!("{}: {why}", path.display()));
                    }
                }
                if files.len() > FILES {
                    let text = format!("{}: more than {FILES} files", directory.display());
                    loader.warnings.push(text);
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => loader.warnings.push(format!("{}: {error}", directory.display())),
        }
        loader.finish()
    }
}

/// The files of a folder, sorted, hidden ones left out.
fn files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)?.take(FILES * 4) {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

#[derive(Default)]
struct Loader {
    theme: Theme,
    accent: Option<[u8; 3]>,
    css: String,
    warnings: Vec<String>,
}

impl Loader {
    fn file(&mut self, path: &Path) -> Result<(), String> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match name {
            "logo.svg" | "logo.png" | "logo.jpg" | "logo.jpeg" | "logo.webp" => self.logo(path),
            "style.css" => self.style(path),
            "brand.conf" => self.conf(&text(path, CONF)?),
            name => self.words(name, path),
        }
    }

    fn logo(&mut self, path: &Path) -> Result<(), String> {
        if self.theme.logo.is_some() {
            return Err("not used, there is another logo".into());
        }
        let logo = Logo::sniff(bytes(path, LOGO)?);
        self.theme.logo = Some(logo.ok_or("not an SVG, PNG, JPEG or WebP picture")?);
        Ok(())
    }

    fn style(&mut self, path: &Path) -> Result<(), String> {
        let css = text(path, CSS)?;
        // The only thing that ends a style element (HTML standard, "raw text elements").
        if css.to_ascii_lowercase().contains("</style") {
            return Err("contains </style".into());
        }
        self.css = css;
        Ok(())
    }

    /// Lines are independent: an invalid colour does not affect the terms.
    fn conf(&mut self, text: &str) -> Result<(), String> {
        let mut problems = Vec::new();
        for (number, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Err(problem) = self.setting(line) {
                problems.push(format!("line {}: {problem}", number + 1));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
    }

    fn setting(&mut self, line: &str) -> Result<(), String> {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        match (name.trim(), value.trim()) {
            ("accent", value) => {
                self.accent = Some(colour(value).ok_or("'accent' must be like #1d4ed8")?);
            }
            ("terms", "box") => self.theme.terms_box = true,
            ("terms", "line") => self.theme.terms_box = false,
            ("terms", _) => return Err("'terms' must be 'box' or 'line'".into()),
            (name, _) => return Err(format!("unknown setting {name:?}")),
        }
        Ok(())
    }

    /// `title.txt`, `title.de.txt` and so on.
    fn words(&mut self, name: &str, path: &Path) -> Result<(), String> {
        let unused = || "not used, see docs/guest-networks.md for the names that are".to_owned();
        let stem = name.strip_suffix(".txt").ok_or_else(unused)?;
        let (kind, tag) = stem.split_once('.').unwrap_or((stem, ""));
        let (words, limit) = match kind {
            "title" => (&mut self.theme.title, TITLE),
            "welcome" => (&mut self.theme.welcome, WELCOME),
            "terms" => (&mut self.theme.terms, TERMS),
            _ => return Err(unused()),
        };
        let known = LANGUAGES.iter().map(|text| text.tag).chain([""]).find(|known| *known == tag);
        let tag = known.ok_or_else(|| format!("the portal does not speak {tag:?}"))?;
        let text = text(path, limit)?.trim().to_owned();
        if text.is_empty() {
            return Err("is empty".into());
        }
        words.0.push((tag, text));
        Ok(())
    }

    fn finish(mut self) -> (Theme, Vec<String>) {
        let accent = self.accent.map_or(String::new(), |accent| {
            let [r, g, b] = accent;
            let on = if is_light(accent) { "#000" } else { "#fff" };
            format!(":root{{--accent:#{r:02x}{g:02x}{b:02x};--on-accent:{on}}}")
        });
        self.theme.style = [STYLE, &accent, &self.css].concat();
        if self.theme.terms_box && self.theme.terms.0.is_empty() {
            self.warnings.push("brand.conf: 'terms' without terms.txt has no effect".into());
        }
        (self.theme, self.warnings)
    }
}

/// A whole file. Only ordinary ones: a pipe would keep the daemon waiting.
fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let read = || {
        if !fs::metadata(path)?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    };
    match read().map_err(|error: std::io::Error| error.to_string())? {
        None => Err("not an ordinary file".into()),
        Some(bytes) if bytes.len() as u64 > limit => Err(format!("larger than {limit} bytes")),
        Some(bytes) => Ok(bytes),
    }
}

fn text(path: &Path, limit: u64) -> Result<String, String> {
    let text = String::from_utf8(bytes(path, limit)?).map_err(|_| "not UTF-8".to_owned())?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// `#rgb` or `#rrggbb`.
fn colour(text: &str) -> Option<[u8; 3]> {
    let digits =
        text.strip_prefix('#').filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = value.to_be_bytes();
    match digits.len() {
        6 => Some([r, g, b]),
        3 => Some([g & 0xf, b >> 4, b & 0xf].map(|digit| digit * 0x11)),
        _ => None,
    }
}

/// Whether black is easier to read on it than white (WCAG 2.1, relative luminance).
fn is_light(colour: [u8; 3]) -> bool {
    let [r, g, b] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    let luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    // Where both contrasts are equal: (L + 0.05) / 0.05 = 1.05 / (L + 0.05).
    luminance > 0.179
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::portal::i18n::ENGLISH;
    use crate::http::portal::language::by_tag;
    use crate::temp_dir::Scratch;

    fn load(files: &[(&str, &[u8])]) -> (Theme, Vec<String>) {
        let scratch = Scratch::new();
        for (name, bytes) in files {
            fs::write(scratch.path().join(name), bytes).unwrap();
        }
        let (theme, warnings) = Theme::load(scratch.path());
        let prefix = format!("{}/", scratch.path().display());
        (theme, warnings.into_iter().map(|text| text.replace(&prefix, "")).collect())
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_matter() {
        let (theme, warnings) = Theme::load(Path::new("/nonexistent/portal"));
        assert!(theme.logo.is_none() && warnings.is_empty());
        assert_eq!(theme.style(), STYLE);
    }

    #[test]
    fn everything_an_operator_may_bring_is_used() {
        let (theme, warnings) = load(&[
            ("logo.png", b"\x89PNG\r\n\x1a\nrest"),
            ("title.txt", b"Hotel Seeblick\n"),
            ("welcome.txt", b"Welcome!"),
            ("welcome.de.txt", "\u{feff}Grüß Gott!".as_bytes()),
            ("terms.txt", b"Be kind."),
            ("brand.conf", b"# ours\naccent = #FC0\n\nterms = box\n"),
            ("style.css", b"main{border:0}"),
            (".DS_Store", b"x"),
        ]);
        assert_eq!(warnings, [""; 0]);
        let german = by_tag("de").unwrap();
        assert_eq!(theme.title.in_language(german), Some("Hotel Seeblick"));
        assert_eq!(theme.welcome.in_language(german), Some("Grüß Gott!"));
        assert_eq!(theme.welcome.in_language(ENGLISH), Some("Welcome!"));
        assert_eq!(theme.logo.unwrap().kind(), "image/png");
        assert!(theme.terms_box);
        let own = ":root{--accent:#ffcc00;--on-accent:#000}main{border:0}";
        assert_eq!(theme.style.strip_prefix(STYLE), Some(own));
    }

    #[test]
    fn whatever_is_not_used_is_named() {
        let large = vec![b'a'; LOGO as usize + 1];
        for (name, bytes, why) in [
            ("logo.png", &b"GIF89a"[..], "not an SVG"),
            ("logo.svg", b"<html><svg></html>", "not an SVG"),
            ("logo.jpg", &large, "larger than 65536 bytes"),
            ("style.css", b"a{}</STYLE ><script>", "contains </style"),
            ("style.css", b"\xff", "not UTF-8"),
            ("brand.conf", b"accent = red", "'accent' must be like"),
            ("brand.conf", b"accent = #12345", "'accent' must be like"),
            ("brand.conf", b"terms = maybe", "'terms' must be"),
            ("brand.conf", b"colour", "unknown setting \"colour\""),
            ("brand.conf", b"terms = box", "has no effect"),
            ("title.txt", &[b'a'; 201], "larger than 200 bytes"),
            ("terms.txt", b" \n", "is empty"),
            ("terms.tlh.txt", b"x", "does not speak \"tlh\""),
            ("index.html", b"x", "not used"),
            ("footer.txt", b"x", "not used"),
        ] {
            let (_, warnings) = load(&[(name, bytes)]);
            let told =
                matches!(warnings.as_slice(), [one] if one.starts_with(name) && one.contains(why));
            assert!(told, "{name}: {warnings:?}");
        }
        let (_, warnings) = load(&[("logo.png", b"\x89PNG\r\n\x1a\n"), ("logo.svg", b"<svg/>")]);
        assert_eq!(warnings, ["logo.svg: not used, there is another logo"]);
    }

    #[test]
    fn folders_and_missing_targets_are_named_too() {
        let scratch = Scratch::new();
        fs::create_dir(scratch.path().join("style.css")).unwrap();
        std::os::unix::fs::symlink("/nonexistent", scratch.path().join("title.txt")).unwrap();
        let (_, warnings) = Theme::load(scratch.path());
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings.iter().any(|text| text.ends_with("not an ordinary file")));
    }

    #[test]
    fn pictures_are_told_by_their_bytes() {
        for (bytes, kind) in [
            (&b"\xff\xd8\xff\xe0"[..], Some("image/jpeg")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"\xef\xbb\xbf <?xml version='1.0'?><svg/>", Some("image/svg+xml")),
            (b"<!-- a --><svg/>", Some("image/svg+xml")),
            (b"<?xml?><html/>", None),
            (b"", None),
        ] {
            assert_eq!(Logo::sniff(bytes.to_vec()).map(|logo| logo.kind), kind);
        }
    }

    #[test]
    fn the_buttons_text_can_be_read_on_any_colour() {
        for (text, light) in
            [("#fff", true), ("#000", false), ("#1d4ed8", false), ("#fc0", true), ("#767676", true)]
        {
            assert_eq!(is_light(colour(text).unwrap()), light, "{text}");
        }
    }
}
