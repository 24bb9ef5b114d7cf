//! Takes the options of one section, and remembers what was asked for: what is left is unknown.

use super::error::Problem;
use super::uci::{Section, Value};

/// The longest piece of the operator's text that a message repeats, in characters.
const MAX_QUOTED: usize = 60;

/// Reads one section. A value that is wrong becomes a problem, and its default stands in for it.
pub(super) struct Reader<'a> {
    section: &'a Section,
    asked: Vec<&'static str>,
    problems: Vec<Problem>,
}

/// One text, with its line.
#[derive(Clone, Copy)]
struct Field<'a> {
    text: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    /// Begins with nothing asked for.
    pub(super) fn new(section: &'a Section) -> Self {
        Self { section, asked: Vec::new(), problems: Vec::new() }
    }

    /// An option with a single value; `None` where it is not set or wrong.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let field = self.single(name)?;
        match parse(field.text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(name, field, &why);
                None
            }
        }
    }

    /// As `optional`, with a default.
    pub(super) fn value<T>(
        &mut self,
        name: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        self.optional(name, parse).unwrap_or(default)
    }

    /// As `optional`, for an option that the section cannot do without.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.or_missing(name, example, |reader| reader.optional(name, parse))
    }

    /// As `required`, for a value that no message may repeat.
    pub(super) fn required_secret<T>(
        &mut self,
        name: &'static str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.or_missing(name, example, |reader| reader.secret(name, parse))
    }

    /// As `optional`, for a value that no message may repeat.
    pub(super) fn secret<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let field = self.single(name)?;
        match parse(field.text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.complain(field.line, &format!("option '{name}' {why}"));
                None
            }
        }
    }

    /// The entries of a list, each with its line; as UCI's own tools do, an `option` counts as a
    /// list and blanks separate entries.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        most: usize,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<(T, usize)> {
        let mut values = Vec::new();
        let fields = self.entries(name);
        if let Some(surplus) = fields.get(most) {
            self.complain(surplus.line, &format!("list '{name}' has more than {most} entries"));
        }
        for field in fields.into_iter().take(most) {
            if !self.printable(name, field) {
                continue;
            }
            match parse(field.text) {
                Ok(value) => values.push((value, field.line)),
                Err(why) => self.wrong(name, field, &why),
            }
        }
        values
    }

    /// Notes a problem of this section.
    pub(super) fn complain(&mut self, line: usize, message: &str) {
        let message = format!("{}: {message}", title(self.section));
        self.problems.push(Problem { line, message });
    }

    /// The line that set an option, or the section's own.
    pub(super) fn line_of(&self, name: &str) -> usize {
        let option = self.section.options.iter().find(|option| option.name == name);
        option.map_or(self.section.line, |option| option.line)
    }

    /// Whether nothing was wrong so far, so that comparing values makes sense.
    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// The problems of the section, with those options that nobody asked for.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        let section = self.section;
        for option in &section.options {
            if !self.asked.iter().any(|asked| *asked == option.name) {
                let hint = did_you_mean(&option.name, &self.asked);
                let name = quoted(&option.name);
                self.complain(option.line, &format!("option {name} is not known{hint}"));
            }
        }
        self.problems
    }

    /// Asks, and complains where there is no value and nobody has complained about that yet.
    fn or_missing<T>(
        &mut self,
        name: &'static str,
        example: &str,
        ask: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let problems = self.problems.len();
        let value = ask(self);
        if value.is_none() && self.problems.len() == problems {
            let message = format!("option '{name}' is missing, as in: option {name} '{example}'");
            self.complain(self.section.line, &message);
        }
        value
    }

    fn find(&mut self, name: &'static str) -> Option<(&'a Value, usize)> {
        self.asked.push(name);
        let option = self.section.options.iter().find(|option| option.name == name)?;
        Some((&option.value, option.line))
    }

    /// The text of an option that takes a single value; empty is unset.
    fn single(&mut self, name: &'static str) -> Option<Field<'a>> {
        let (value, line) = self.find(name)?;
        let Value::Text(text) = value else {
            let message = format!("'{name}' takes a single value; write option instead of list");
            self.complain(line, &message);
            return None;
        };
        let field = Field { text, line };
        (!text.is_empty() && self.printable(name, field)).then_some(field)
    }

    fn entries(&mut self, name: &'static str) -> Vec<Field<'a>> {
        let split = |text: &'a str, line| {
            let texts = text.split([' ', '\t']).filter(|text| !text.is_empty());
            texts.map(move |text| Field { text, line })
        };
        match self.find(name) {
            None => Vec::new(),
            Some((Value::Text(text), line)) => split(text, line).collect(),
            Some((Value::List(entries), _)) => {
                entries.iter().flat_map(|entry| split(&entry.text, entry.line)).collect()
            }
        }
    }

    /// Refuses control characters. The text is not shown: where a closing quote is missing, it
    /// runs on into the lines below, and one of them may hold a secret.
    fn printable(&mut self, name: &str, field: Field<'_>) -> bool {
        let printable = !field.text.chars().any(char::is_control);
        if !printable {
            let message = format!(
                "option '{name}' contains a line break or another control character; \
                 is a closing quote missing?"
            );
            self.complain(field.line, &message);
        }
        printable
    }

    fn wrong(&mut self, name: &str, field: Field<'_>, why: &str) {
        self.complain(field.line, &format!("option '{name}': {} {why}", quoted(field.text)));
    }
}

/// How a message names a section.
pub(super) fn title(section: &Section) -> String {
    match &section.name {
        Some(name) => format!("section {}", quoted(name)),
        None => format!("unnamed section of type {}", quoted(&section.kind)),
    }
}

/// The operator's text in quotes, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("'{}…'", text.get(..end).unwrap_or_default()),
        None => format!("'{text}'"),
    }
}

/// `; did you mean 'x'?` where one of the known words is close, or nothing.
pub(super) fn did_you_mean(word: &str, known: &[&str]) -> String {
    let near = known.iter().map(|known| (distance(word, known), *known));
    let near = near.filter(|(distance, known)| *distance <= 2 && distance * 2 < known.len());
    near.min().map(|(_, known)| format!("; did you mean '{known}'?")).unwrap_or_default()
}

/// Levenshtein distance. Lengths that differ by more than two count as far apart without a look,
/// so that a long word costs nothing.
fn distance(a: &str, b: &str) -> usize {
    let unequal = a.len().abs_diff(b.len());
    if unequal > 2 {
        return unequal;
    }
    let mut above: Vec<usize> = (0..=b.chars().count()).collect();
    for (row, x) in a.chars().enumerate() {
        let mut left = row + 1;
        let mut current = vec![left];
        for (y, pair) in b.chars().zip(above.windows(2)) {
            let &[diagonal, up] = pair else { break };
            left = (diagonal + usize::from(x != y)).min(up + 1).min(left + 1);
            current.push(left);
        }
        above = current;
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_single_changes() {
        for (a, b, expected) in [
            ("", "", 0),
            ("key", "key", 0),
            ("key", "keys", 1),
            ("key", "ey", 1),
            ("key", "kay", 1),
            ("abcd", "bcda", 2),
            ("abcdef", "fedcba", 6),
            ("", "ab", 2),
            ("a", "abcdef", 5),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["allow_get", "allow_post", "key"];
        assert_eq!(did_you_mean("alow_get", &known), "; did you mean 'allow_get'?");
        assert_eq!(did_you_mean("kay", &known), "; did you mean 'key'?");
        assert_eq!(did_you_mean("k", &known), "");
        assert_eq!(did_you_mean("colour", &known), "");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(quoted(&"ä".repeat(60)), format!("'{}'", "ä".repeat(60)));
        assert_eq!(quoted(&"ä".repeat(61)), format!("'{}…'", "ä".repeat(60)));
    }
}
