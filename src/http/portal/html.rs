//! Text inside of HTML.

use std::fmt;

/// Text that came from outside, safe in an element and in a quoted attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for symbol in self.0.chars() {
            match symbol {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => fmt::Write::write_char(f, symbol)?,
                // Control characters have no place in HTML, and the others turn the direction of
                // what stands around them.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
                symbol if symbol.is_control() => {}
                symbol => fmt::Write::write_char(f, symbol)?,
            }
        }
        Ok(())
    }
}

/// Plain text as paragraphs: an empty line begins a new one, other line ends are kept.
pub(super) struct Paragraphs<'a>(pub(super) &'a str);

impl fmt::Display for Paragraphs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open = false;
        for line in self.0.lines().map(str::trim) {
            match (line.is_empty(), open) {
                (true, true) => f.write_str("</p>")?,
                (true, false) => {}
                (false, true) => write!(f, "<br>{}", Escaped(line))?,
                (false, false) => write!(f, "<p>{}", Escaped(line))?,
            }
            open = !line.is_empty();
        }
        if open { f.write_str("</p>") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_becomes_text() {
        let text = Escaped("<a href=\"x\" b='y'>&amp;\u{202e}\0\u{7}é 中").to_string();
        assert_eq!(text, "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;é 中");
    }

    #[test]
    fn empty_lines_part_paragraphs() {
        let text = Paragraphs("\n\nWelcome!\r\nMind the <dog>.\n \n\nGoodbye.\n").to_string();
        assert_eq!(text, "<p>Welcome!<br>Mind the &lt;dog&gt;.</p><p>Goodbye.</p>");
        assert_eq!(Paragraphs(" \n").to_string(), "");
    }

    proptest! {
        #[test]
        fn no_text_breaks_out(text in any::<String>()) {
            let escaped = Escaped(&text).to_string();
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            prop_assert!(!escaped.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
            let paragraphs = Paragraphs(&text).to_string();
            let rest = paragraphs.replace("<p>", "").replace("</p>", "").replace("<br>", "");
            prop_assert!(!rest.contains(['<', '>', '"', '\'']));
        }
    }
}
