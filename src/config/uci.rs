//! The UCI file format, as libuci's strict mode reads it (openwrt/uci, `file.c`).
//!
//! It knows sections, options and lists, but not what they mean. Three deliberate differences:
//! libuci silently drops what follows `value;` on a line when the value is unquoted, and trips
//! over a `;` at the end of a line (here both work); and it overlooks a surplus word that is empty
//! (here it is one argument too many).

use std::collections::HashMap;
use std::fmt;

use super::scan::Scanner;

/// One `config` section with its options, those of later sections of the same name included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The first argument of `config`.
    pub kind: String,
    /// The second argument, where there is one.
    pub name: Option<String>,
    /// Where it first appeared, from 1.
    pub line: usize,
    /// In the order in which their names first appeared; every name once.
    pub options: Vec<Opt>,
    /// The lines where it was taken up again under its name.
    pub again: Vec<usize>,
}

/// One option of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    /// Letters, digits and `_`.
    pub name: String,
    /// What the last `option`, or all `list` lines since, made of it.
    pub value: Value,
    /// Where it was last set, or where its list began; from 1.
    pub line: usize,
}

/// What an option holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// From `option`. Empty means unset: UCI cannot tell the two apart.
    Text(String),
    /// From `list`.
    List(Vec<Entry>),
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As written, quotes undone.
    pub text: String,
    /// Where it stands, from 1.
    pub line: usize,
}

/// The text is not UCI. The message never quotes the text, which may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// From 1; for a quote that does not end, where it began.
    pub line: usize,
    /// What is wrong, in words for the operator.
    pub message: String,
}

impl SyntaxError {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for SyntaxError {}

/// Reads the sections of a file. Time and memory are linear in the length of the text.
pub fn parse(text: &str) -> Result<Vec<Section>, SyntaxError> {
    if let Some((before, _)) = text.split_once('\0') {
        return Err(SyntaxError::new(line_after(before), "a NUL byte; this is not a text file"));
    }
    let mut scanner = Scanner::new(text);
    let mut file = File::default();
    while let Some(command) = scanner.command() {
        let line = scanner.line();
        match command {
            "package" | "p" => package(&mut scanner, line)?,
            "config" | "c" => config(&mut scanner, line, &mut file)?,
            "option" | "o" => option(&mut scanner, line, &mut file, false)?,
            "list" | "l" => option(&mut scanner, line, &mut file, true)?,
            // The word is not shown: it may be the rest of a secret that was broken by a `;`.
            _ => {
                let message = "unknown command; a line begins with 'config', 'option' or 'list'";
                return Err(SyntaxError::new(line, message));
            }
        }
        scanner.end_command()?;
    }
    Ok(file.sections)
}

/// The number of the line on which the text after `before` begins.
pub(super) fn line_after(before: impl AsRef<[u8]>) -> usize {
    before.as_ref().iter().filter(|byte| **byte == b'\n').count() + 1
}

/// `package NAME` is checked and otherwise ignored: one file is one package here.
fn package(scanner: &mut Scanner<'_>, line: usize) -> Result<(), SyntaxError> {
    let name = required(scanner, line, "'package' needs a name")?;
    if name.chars().all(|c| is_name_char(c) || c == '-') {
        return Ok(());
    }
    Err(SyntaxError::new(line, "a package name has letters, digits, '_' and '-' only"))
}

fn config(scanner: &mut Scanner<'_>, line: usize, file: &mut File) -> Result<(), SyntaxError> {
    let kind = required(scanner, line, "'config' needs a section type, as in: config api 'api'")?;
    if !kind.chars().all(|c| matches!(c, '!'..='~')) {
        let message = "a section type has printable ASCII characters only, without blanks";
        return Err(SyntaxError::new(line, message));
    }
    let name = scanner.word()?.unwrap_or_default();
    check_name(&name, line, "section")?;
    file.open_section(kind, Some(name).filter(|name| !name.is_empty()), line)
}

fn option(
    scanner: &mut Scanner<'_>,
    line: usize,
    file: &mut File,
    list: bool,
) -> Result<(), SyntaxError> {
    let name = required(scanner, line, "an option needs a name, as in: option enabled '1'")?;
    check_name(&name, line, "option")?;
    let text = scanner.word()?.unwrap_or_default();
    let Some(slot) = file.slot(name, line) else {
        let message = "an option before the first section; a 'config' line has to come first";
        return Err(SyntaxError::new(line, message));
    };
    if list {
        append(slot, text, line);
    } else {
        slot.value = Value::Text(text);
        slot.line = line;
    }
    Ok(())
}

/// A word that has to be there; libuci takes an empty one for none.
fn required(scanner: &mut Scanner<'_>, line: usize, hint: &str) -> Result<String, SyntaxError> {
    match scanner.word()? {
        Some(word) if !word.is_empty() => Ok(word),
        _ => Err(SyntaxError::new(line, format!("insufficient arguments; {hint}"))),
    }
}

fn check_name(name: &str, line: usize, what: &str) -> Result<(), SyntaxError> {
    if name.chars().all(is_name_char) {
        return Ok(());
    }
    let message = format!("invalid character in {what} name; letters, digits and '_' are allowed");
    Err(SyntaxError::new(line, message))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `list` after `option` of the same name makes a list that begins with the option's value.
fn append(slot: &mut Opt, text: String, line: usize) {
    let entry = Entry { text, line };
    match &mut slot.value {
        Value::List(entries) => entries.push(entry),
        Value::Text(first) if first.is_empty() => {
            slot.value = Value::List(vec![entry]);
            slot.line = line;
        }
        Value::Text(first) => {
            let first = Entry { text: std::mem::take(first), line: slot.line };
            slot.value = Value::List(vec![first, entry]);
        }
    }
}

/// The sections so far, with indexes that keep merging linear.
#[derive(Default)]
struct File {
    sections: Vec<Section>,
    by_name: HashMap<String, usize>,
    options: HashMap<(usize, String), usize>,
    current: usize,
}

impl File {
    /// Begins a section, or goes back to the earlier one of that name.
    fn open_section(
        &mut self,
        kind: String,
        name: Option<String>,
        line: usize,
    ) -> Result<(), SyntaxError> {
        let earlier = name.as_ref().and_then(|name| self.by_name.get(name)).copied();
        if let Some(at) = earlier
            && let Some(section) = self.sections.get_mut(at)
        {
            if section.kind != kind {
                let first = section.line;
                let message = format!("line {first} has a section of another type with this name");
                return Err(SyntaxError::new(line, message));
            }
            section.again.push(line);
            self.current = at;
            return Ok(());
        }
        self.current = self.sections.len();
        if let Some(name) = &name {
            self.by_name.insert(name.clone(), self.current);
        }
        self.sections.push(Section { kind, name, line, options: Vec::new(), again: Vec::new() });
        Ok(())
    }

    /// The option of that name in the current section, made unset where it is new;
    /// `None` before the first section.
    fn slot(&mut self, name: String, line: usize) -> Option<&mut Opt> {
        let options = &mut self.sections.get_mut(self.current)?.options;
        let at = *self.options.entry((self.current, name.clone())).or_insert(options.len());
        if at == options.len() {
            options.push(Opt { name, value: Value::Text(String::new()), line });
        }
        options.get_mut(at)
    }
}

#[cfg(test)]
mod tests;
