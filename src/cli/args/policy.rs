//! `user …` and `group …`.

use super::{Line, Misuse};
use crate::cli::{Command, Format};
use crate::control::{ListName, PolicyAsk, Who};

/// The second words, and what follows them.
const USER: [(&str, &str); 9] = [
    ("list", ""),
    ("show", " USERNAME"),
    ("password", " USERNAME"),
    ("check", " USERNAME 'ATTRIBUTE := VALUE' …"),
    ("reply", " USERNAME 'ATTRIBUTE := VALUE' …"),
    ("unset", " USERNAME ATTRIBUTE|ID …"),
    ("join", " USERNAME GROUP"),
    ("leave", " USERNAME GROUP"),
    ("remove", " USERNAME"),
];
const GROUP: [(&str, &str); 6] = [
    ("list", ""),
    ("show", " GROUP"),
    ("check", " GROUP 'ATTRIBUTE := VALUE' …"),
    ("reply", " GROUP 'ATTRIBUTE := VALUE' …"),
    ("unset", " GROUP ATTRIBUTE|ID …"),
    ("remove", " GROUP"),
];

impl Line {
    /// The command behind `user`.
    pub(super) fn user(&mut self, words: &[&str]) -> Result<Command, Misuse> {
        let text = |word: &&str| (*word).to_owned();
        let ask = match words {
            ["list"] => PolicyAsk::Users,
            ["password", username] => return Ok(Command::SetPassword(text(username))),
            ["password", _, _, ..] => {
                return Err(Misuse(
                    "the password is asked for, or read from standard input: on the command line \
                     it would stand in 'ps' and in the shell's history"
                        .to_owned(),
                ));
            }
            ["join", username, group] => {
                let (username, group) = (text(username), text(group));
                PolicyAsk::Join { username, group, priority: self.priority()? }
            }
            ["leave", username, group] => {
                PolicyAsk::Leave { username: text(username), group: text(group) }
            }
            words => match self.of_either(words, Who::User)? {
                Some(ask) => ask,
                None => return Err(misuse("user", words, &USER)),
            },
        };
        self.asking(ask)
    }

    /// The command behind `group`.
    pub(super) fn group(&mut self, words: &[&str]) -> Result<Command, Misuse> {
        let ask = match words {
            ["list"] => PolicyAsk::Groups,
            words => match self.of_either(words, Who::Group)? {
                Some(ask) => ask,
                None => return Err(misuse("group", words, &GROUP)),
            },
        };
        self.asking(ask)
    }

    /// With the option that belongs to what is listed.
    fn asking(&mut self, ask: PolicyAsk) -> Result<Command, Misuse> {
        let format = match ask {
            PolicyAsk::Users | PolicyAsk::Groups | PolicyAsk::Show { .. } => self.format()?,
            _ => Format::Table,
        };
        Ok(Command::Policy(ask, format))
    }

    /// What users and groups have in common; `None` where it is no command.
    fn of_either(
        &mut self,
        words: &[&str],
        who: impl Fn(String) -> Who,
    ) -> Result<Option<PolicyAsk>, Misuse> {
        let who = |name: &str| who(name.to_owned());
        Ok(Some(match words {
            ["show", name] => {
                PolicyAsk::Show { who: who(name), reveal: self.flags.remove("reveal") }
            }
            ["check", name, rows @ ..] if !rows.is_empty() => {
                PolicyAsk::Add { who: who(name), list: ListName::Check, rows: joined(rows) }
            }
            ["reply", name, rows @ ..] if !rows.is_empty() => {
                PolicyAsk::Add { who: who(name), list: ListName::Reply, rows: joined(rows) }
            }
            ["unset", name, which @ ..] if !which.is_empty() => {
                let which = which.iter().map(|word| (*word).to_owned()).collect();
                PolicyAsk::Unset { who: who(name), which }
            }
            ["remove", name] => PolicyAsk::Remove(who(name)),
            _ => return Ok(None),
        }))
    }

    fn priority(&mut self) -> Result<Option<i64>, Misuse> {
        let priority = self.options.remove("priority").map(|text| text.parse());
        priority.transpose().map_err(|_| {
            Misuse("--priority must be a whole number; the lowest comes first".to_owned())
        })
    }
}

/// The rows among the words. Whoever leaves the quotes out, `A := 5`, is understood as well.
fn joined(words: &[&str]) -> Vec<String> {
    let is_operator = |word: &str| !word.is_empty() && word.trim_matches(OPERATOR).is_empty();
    let mut rows = Vec::new();
    let mut rest = words;
    while let [first, more @ ..] = rest {
        if let [operator, value, after @ ..] = more
            && is_operator(operator)
        {
            rows.push(format!("{first} {operator} {value}"));
            rest = after;
        } else {
            rows.push((*first).to_owned());
            rest = more;
        }
    }
    rows
}

/// What operators are made of.
const OPERATOR: [char; 9] = [':', '=', '+', '^', '!', '<', '>', '~', '*'];

fn misuse(first: &str, words: &[&str], commands: &[(&str, &str)]) -> Misuse {
    let second = words.first().copied().unwrap_or_default();
    Misuse(match commands.iter().find(|(word, _)| *word == second) {
        Some((_, after)) => format!("it is '{first} {second}{after}'"),
        None => {
            let seconds: Vec<&str> = commands.iter().map(|(word, _)| *word).collect();
            format!("after '{first}' comes one of: {}", seconds.join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_words_with_or_without_quotes() {
        assert_eq!(joined(&["A := 5", "B=6"]), ["A := 5", "B=6"]);
        assert_eq!(joined(&["A", ":=", "5", "B", "=~", "x y"]), ["A := 5", "B =~ x y"]);
        assert_eq!(joined(&["A", ":="]), ["A", ":="]);
        assert!(joined(&[]).is_empty());
    }

    #[test]
    fn misuse_shows_the_form_of_the_command_that_was_meant() {
        let told = |words: &[&str]| misuse("user", words, &USER).0;
        assert_eq!(told(&["join", "jo"]), "it is 'user join USERNAME GROUP'");
        assert_eq!(
            told(&["ad"]),
            "after 'user' comes one of: list, show, password, check, reply, unset, join, leave, \
             remove"
        );
        assert!(told(&[]).starts_with("after 'user' comes"));
    }
}
