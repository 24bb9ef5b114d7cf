//! Regular expressions for `=~` and `!~`: POSIX extended, with the classes `\d \w \s` and the
//! leading `(?i)` that FreeRADIUS's users are used to from PCRE.
//!
//! A small machine of its own: the crate `regex-lite` adds 67 KiB to the program. All states are
//! followed side by side (Thompson), so that no pattern takes more time than its length times the
//! text's.

use std::iter::Peekable;
use std::str::Chars;

/// Patterns grow by counted repetition; this is how far.
const STEPS: usize = 2048;

/// A regular expression that makes sense.
#[derive(Debug)]
pub(super) struct Pattern {
    steps: Vec<Step>,
    any_case: bool,
}

/// What the machine does; targets are relative, so that steps can be joined and repeated.
#[derive(Clone, Debug)]
enum Step {
    Take(Class),
    Start,
    End,
    Jump(isize),
    Fork(isize, isize),
    Found,
}

/// Characters, as ranges.
#[derive(Clone, Debug)]
struct Class {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Class {
    fn one(character: char) -> Self {
        Self { ranges: vec![(character, character)], negated: false }
    }

    fn contains(&self, character: char) -> bool {
        self.ranges.iter().any(|&(from, to)| (from..=to).contains(&character)) != self.negated
    }

    /// `\d`, `\w`, `\s`; in capitals what they are not.
    fn escaped(letter: char) -> Option<Self> {
        let ranges = match letter.to_ascii_lowercase() {
            'd' => named("digit"),
            'w' => named("word"),
            's' => named("space"),
            _ => return None,
        }?;
        Some(Self { ranges, negated: letter.is_ascii_uppercase() })
    }
}

/// POSIX's classes, and `word`.
fn named(name: &str) -> Option<Vec<(char, char)>> {
    let (digit, upper, lower) = (('0', '9'), ('A', 'Z'), ('a', 'z'));
    Some(match name {
        "alpha" => vec![upper, lower],
        "digit" => vec![digit],
        "alnum" => vec![digit, upper, lower],
        "word" => vec![digit, upper, lower, ('_', '_')],
        "upper" => vec![upper],
        "lower" => vec![lower],
        "space" => vec![(' ', ' '), ('\t', '\r')],
        "blank" => vec![(' ', ' '), ('\t', '\t')],
        "punct" => vec![('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "xdigit" => vec![digit, ('A', 'F'), ('a', 'f')],
        _ => return None,
    })
}

impl Pattern {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// What it does not understand, in words that follow "the regular expression".
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("(?i)");
        let mut reader = Reader { rest: rest.unwrap_or(text).chars().peekable() };
        let mut steps = reader.alternatives()?;
        if reader.rest.next().is_some() {
            return Err("has a ) too many".to_owned());
        }
        steps.push(Step::Found);
        Ok(Self { steps, any_case: rest.is_some() })
    }

    /// Whether it is found anywhere in `text`.
    pub(super) fn finds(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut active = Vec::new();
        let mut at_start = true;
        loop {
            let next = rest.next();
            // A match may begin anywhere: each character starts the machine once more.
            active.push(0);
            let takers = match self.follow(active, at_start, next.is_none()) {
                Some(takers) => takers,
                None => return true,
            };
            let Some(character) = next else { return false };
            active = takers.into_iter().filter(|&at| self.takes(at, character)).collect();
            active.iter_mut().for_each(|at| *at += 1);
            at_start = false;
        }
    }

    /// The steps that wait for a character; `None` once one has found.
    fn follow(&self, mut open: Vec<usize>, at_start: bool, at_end: bool) -> Option<Vec<usize>> {
        let mut seen = vec![false; self.steps.len()];
        let mut takers = Vec::new();
        while let Some(at) = open.pop() {
            match seen.get_mut(at) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            match self.steps.get(at) {
                Some(Step::Take(_)) => takers.push(at),
                Some(Step::Start) if at_start => open.push(at + 1),
                Some(Step::End) if at_end => open.push(at + 1),
                Some(Step::Jump(by)) => open.extend(at.checked_add_signed(*by)),
                Some(Step::Fork(one, other)) => {
                    open.extend(at.checked_add_signed(*one));
                    open.extend(at.checked_add_signed(*other));
                }
                Some(Step::Found) => return None,
                Some(Step::Start | Step::End) | None => {}
            }
        }
        Some(takers)
    }

    fn takes(&self, at: usize, character: char) -> bool {
        let Some(Step::Take(class)) = self.steps.get(at) else { return false };
        if self.any_case {
            let (lower, upper) = (character.to_ascii_lowercase(), character.to_ascii_uppercase());
            // What is negated must hold for both cases, anything else for one.
            return match class.negated {
                true => class.contains(lower) && class.contains(upper),
                false => class.contains(lower) || class.contains(upper),
            };
        }
        class.contains(character)
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn alternatives(&mut self) -> Result<Vec<Step>, String> {
        let first = self.sequence()?;
        if self.rest.next_if_eq(&'|').is_none() {
            return Ok(first);
        }
        let second = self.alternatives()?;
        let mut steps = vec![Step::Fork(1, distance(first.len() + 2)?)];
        steps.extend(first);
        steps.push(Step::Jump(distance(second.len() + 1)?));
        steps.extend(second);
        Ok(steps)
    }

    fn sequence(&mut self) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        while let Some(character) = self.rest.next_if(|it| !matches!(it, '|' | ')')) {
            let atom = self.atom(character)?;
            steps.extend(self.repeated(atom)?);
            distance(steps.len())?;
        }
        Ok(steps)
    }

    fn atom(&mut self, character: char) -> Result<Vec<Step>, String> {
        let class = match character {
            '^' => return Ok(vec![Step::Start]),
            '$' => return Ok(vec![Step::End]),
            '(' => return self.group(),
            '[' => self.brackets()?,
            '.' => Class { ranges: Vec::new(), negated: true },
            '\\' => self.escape()?,
            '*' | '+' | '?' => return Err(format!("has nothing before {character}")),
            other => Class::one(other),
        };
        Ok(vec![Step::Take(class)])
    }

    fn group(&mut self) -> Result<Vec<Step>, String> {
        if self.rest.next_if_eq(&'?').is_some() && self.rest.next() != Some(':') {
            return Err("has a (? that is not supported; (?: and a leading (?i) are".to_owned());
        }
        let steps = self.alternatives()?;
        self.rest.next_if_eq(&')').ok_or("has a ( that is not closed")?;
        Ok(steps)
    }

    fn escape(&mut self) -> Result<Class, String> {
        match self.rest.next() {
            None => Err("ends with a \\".to_owned()),
            Some('t') => Ok(Class::one('\t')),
            Some('n') => Ok(Class::one('\n')),
            Some('r') => Ok(Class::one('\r')),
            Some(letter) if letter.is_ascii_alphanumeric() => Class::escaped(letter)
                .ok_or_else(|| format!("has \\{letter}, which is not supported")),
            Some(character) => Ok(Class::one(character)),
        }
    }

    fn brackets(&mut self) -> Result<Class, String> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut ranges = Vec::new();
        loop {
            let from = match self.rest.next() {
                None => return Err("has a [ that is not closed".to_owned()),
                // A ] that comes first is meant.
                Some(']') if !ranges.is_empty() => return Ok(Class { ranges, negated }),
                Some('[') if self.rest.peek() == Some(&':') => {
                    ranges.extend(self.class_name()?);
                    continue;
                }
                Some('\\') => {
                    let class = self.escape()?;
                    match class.ranges.as_slice() {
                        [(from, to)] if from == to && !class.negated => *from,
                        _ if class.negated => return Err("has a \\D, \\W or \\S within []".into()),
                        _ => {
                            ranges.extend(class.ranges);
                            continue;
                        }
                    }
                }
                Some(character) => character,
            };
            let to = self.range_end(from)?;
            ranges.push((from, to));
        }
    }

    /// The other end of `a-z`; a `-` before the `]` is meant.
    fn range_end(&mut self, from: char) -> Result<char, String> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || ahead.peek().is_none_or(|next| *next == ']') {
            return Ok(from);
        }
        self.rest = ahead;
        let to = match self.rest.next() {
            Some('\\') => self.rest.next(),
            other => other,
        };
        to.filter(|to| *to >= from).ok_or_else(|| "has a range that runs backwards".to_owned())
    }

    /// `[:alpha:]`, after its first bracket.
    fn class_name(&mut self) -> Result<Vec<(char, char)>, String> {
        let text: String = self.rest.clone().collect();
        let name = text.strip_prefix(':').and_then(|rest| rest.split_once(":]"));
        let (name, _) = name.ok_or("has a [: that is not closed")?;
        let ranges = named(name).ok_or_else(|| format!("has an unknown class [:{name}:]"))?;
        // The name and `:` `:]` around it.
        self.rest.nth(name.chars().count() + 2);
        Ok(ranges)
    }

    fn repeated(&mut self, atom: Vec<Step>) -> Result<Vec<Step>, String> {
        let mut steps = atom;
        while let Some(character) = self.rest.next_if(|it| matches!(it, '*' | '+' | '?' | '{')) {
            let (least, most) = match character {
                '*' => (0, None),
                '+' => (1, None),
                '?' => (0, Some(1)),
                _ => self.counts()?,
            };
            steps = repeat(&steps, least, most)?;
        }
        Ok(steps)
    }

    /// `{2}`, `{2,}`, `{2,5}`, after its first brace.
    fn counts(&mut self) -> Result<(usize, Option<usize>), String> {
        let mut text = String::new();
        while let Some(character) = self.rest.next_if(|it| *it != '}') {
            text.push(character);
        }
        let wrong = || format!("has {{{text}}}, which is no count");
        self.rest.next().ok_or_else(wrong)?;
        let count = |digits: &str| digits.parse::<u8>().map(usize::from).map_err(|_| wrong());
        let (least, most) = match text.split_once(',') {
            None => (count(&text)?, Some(count(&text)?)),
            Some((least, "")) => (count(least)?, None),
            Some((least, most)) => (count(least)?, Some(count(most)?)),
        };
        if most.is_some_and(|most| most < least) { Err(wrong()) } else { Ok((least, most)) }
    }
}

fn repeat(steps: &[Step], least: usize, most: Option<usize>) -> Result<Vec<Step>, String> {
    distance((steps.len() + 1) * most.unwrap_or(least + 1).max(1))?;
    let length = distance(steps.len())?;
    let mut repeated = Vec::new();
    for _ in 0..least {
        repeated.extend_from_slice(steps);
    }
    match most {
        Some(most) => {
            for _ in least..most {
                repeated.push(Step::Fork(1, length + 1));
                repeated.extend_from_slice(steps);
            }
        }
        None => {
            repeated.push(Step::Fork(1, length + 2));
            repeated.extend_from_slice(steps);
            repeated.push(Step::Jump(-length - 1));
        }
    }
    Ok(repeated)
}

/// A length as a target, where the pattern has not grown too long.
fn distance(length: usize) -> Result<isize, String> {
    let short = isize::try_from(length).ok().filter(|_| length <= STEPS);
    short.ok_or_else(|| "is too long once its counts are written out".to_owned())
}

#[cfg(test)]
mod tests;
