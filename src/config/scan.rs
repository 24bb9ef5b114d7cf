//! Words and commands of a UCI file, before they mean anything.
//!
//! Reads forward once and never looks back, so the time is linear in the length of the text.

use super::uci::SyntaxError;

/// A place in the text, with its line number.
pub(super) struct Scanner<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Scanner<'a> {
    /// Starts at line 1.
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// The number of the current line, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Goes to the next command, over blank lines and comments; `None` at the end of the text.
    ///
    /// Commands cannot be quoted, and only a space, a tab or the end of the line ends them:
    /// `config'api'` is no command to libuci either.
    pub(super) fn command(&mut self) -> Option<&'a str> {
        loop {
            self.skip_while(is_space);
            match self.peek()? {
                '#' => self.skip_while(|c| c != '\n'),
                _ => break,
            }
        }
        let start = self.rest;
        self.skip_while(|c| !matches!(c, ' ' | '\t' | '\n'));
        let length = start.len().saturating_sub(self.rest.len());
        let word = start.get(..length).unwrap_or_default();
        Some(word.strip_suffix('\r').unwrap_or(word))
    }

    /// The next word of this command, quotes and escapes undone; `None` at its end.
    pub(super) fn word(&mut self) -> Result<Option<String>, SyntaxError> {
        self.skip_while(|c| is_space(c) && c != '\n');
        if self.at_command_end() {
            return Ok(None);
        }
        let mut word = String::new();
        while !self.at_command_end() {
            match self.peek() {
                Some('\'') => self.single_quoted(&mut word)?,
                Some('"') => self.double_quoted(&mut word)?,
                Some('\\') => self.escaped(&mut word),
                Some(c) if !is_space(c) => word.extend(self.bump()),
                _ => break,
            }
        }
        Ok(Some(word))
    }

    /// Ends the command: nothing may follow but `;`, a comment or the end of the line.
    pub(super) fn end_command(&mut self) -> Result<(), SyntaxError> {
        let line = self.line;
        if self.word()?.is_some() {
            // The surplus word is not shown: it may be half of a secret that lacks its quotes.
            return Err(SyntaxError::new(
                line,
                "too many arguments; a value with blanks needs quotes, as in 'two words'",
            ));
        }
        if self.peek() == Some(';') {
            self.bump();
        }
        Ok(())
    }

    /// Everything up to the next `'` as it stands: there are no escapes in single quotes.
    fn single_quoted(&mut self, word: &mut String) -> Result<(), SyntaxError> {
        let opened = self.line;
        self.bump();
        loop {
            match self.bump() {
                Some('\'') => return Ok(()),
                Some(c) => word.push(c),
                None => return Err(SyntaxError::new(opened, "the quote ' has no closing quote '")),
            }
        }
    }

    fn double_quoted(&mut self, word: &mut String) -> Result<(), SyntaxError> {
        let opened = self.line;
        self.bump();
        loop {
            match self.peek() {
                Some('\\') => self.escaped(word),
                Some('"') => {
                    self.bump();
                    return Ok(());
                }
                Some(_) => word.extend(self.bump()),
                None => {
                    return Err(SyntaxError::new(opened, "the quote \" has no closing quote \""));
                }
            }
        }
    }

    /// A backslash keeps the next character as it is, or joins the next line to this one.
    fn escaped(&mut self, word: &mut String) {
        self.bump();
        if self.rest.starts_with("\r\n") {
            self.bump();
        }
        match self.bump() {
            None | Some('\n') => {}
            Some(c) => word.push(c),
        }
    }

    /// An unquoted `#` counts inside a word too, as libuci has it.
    fn at_command_end(&self) -> bool {
        matches!(self.peek(), None | Some('\n' | '#' | ';'))
    }

    fn skip_while(&mut self, skip: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&skip) {
            self.bump();
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let mut rest = self.rest.chars();
        let c = rest.next()?;
        self.rest = rest.as_str();
        self.line += usize::from(c == '\n');
        Some(c)
    }
}

/// C's `isspace`, which libuci uses: six ASCII characters.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}
