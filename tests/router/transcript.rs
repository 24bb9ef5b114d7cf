//! A transcript of shells that is a test: every command is run again, and what differs is a failure.
//!
//! A line `root@NODE:~# COMMAND` runs the command on that node, `router` or the name of a network
//! namespace there; the lines up to the next prompt or an empty line are its output. `[..]` stands
//! for anything within a line, a line `[...]` for any lines. Lines that begin with `# ` where a
//! command may stand are remarks. `UPDATE=1` in the environment writes down what came out instead.

use std::fs;
use std::path::Path;

use crate::support::Router;

/// A line of a transcript, with the lines below it.
struct Step<'a> {
    node: &'a str,
    command: &'a str,
    prompt: &'a str,
    expected: Vec<&'a str>,
}

/// Runs it all on the router; what differs, as a difference to read.
pub fn run(router: &mut Router, path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let (mut rewritten, mut differences) = (String::new(), String::new());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        rewritten.push_str(line);
        rewritten.push('\n');
        let Some((node, command)) = prompt(line) else {
            assert!(line.is_empty() || line.starts_with("# "), "neither prompt nor remark: {line}");
            continue;
        };
        let mut step = Step { node, command, prompt: line, expected: Vec::new() };
        while let Some(next) = lines.next_if(|next| prompt(next).is_none() && !next.is_empty()) {
            step.expected.push(next);
        }
        let output = step.run(router);
        let actual: Vec<&str> = output.lines().filter(|line| !line.is_empty()).collect();
        let same = matches(&step.expected, &actual);
        if !same {
            differences += &step.difference(&actual);
        }
        for line in if same { &step.expected } else { &actual } {
            rewritten.push_str(line);
            rewritten.push('\n');
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, rewritten).unwrap();
    } else if !differences.is_empty() {
        panic!("{} is not true:\n{differences}\n{}", path.display(), router.log());
    }
}

/// Node and command of a line that begins with a prompt.
fn prompt(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("root@")?.split_once(":~# ")
}

impl Step<'_> {
    fn run(&self, router: &mut Router) -> String {
        if self.node == "router" {
            return router.run(self.command).output;
        }
        let quoted = self.command.replace('\'', r"'\''");
        router.run(&format!("ip netns exec {} sh -c '{quoted}'", self.node)).output
    }

    fn difference(&self, actual: &[&str]) -> String {
        let mut text = format!("  {}\n", self.prompt);
        for (sign, lines) in [('-', &*self.expected), ('+', actual)] {
            for line in lines {
                text += &format!("{sign} {line}\n");
            }
        }
        text
    }
}

fn matches(expected: &[&str], actual: &[&str]) -> bool {
    match expected {
        [] => actual.is_empty(),
        ["[...]", rest @ ..] => (0..=actual.len()).any(|skip| matches(rest, &actual[skip..])),
        [first, rest @ ..] => actual
            .split_first()
            .is_some_and(|(line, others)| matches_line(first, line) && matches(rest, others)),
    }
}

fn matches_line(pattern: &str, line: &str) -> bool {
    match pattern.split_once("[..]") {
        None => pattern == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|&skip| rest.is_char_boundary(skip))
                .any(|skip| matches_line(after, &rest[skip..]))
        }),
    }
}

#[test]
fn what_differs_is_seen() {
    assert!(matches(&["a [..] c", "[...]", "z"], &["a b c", "1", "2", "z"]));
    assert!(matches(&["[...]", "z"], &["z"]));
    assert!(!matches(&["a [..] c"], &["a b d"]));
    assert!(!matches(&["a"], &["a", "b"]));
    assert!(!matches(&["a", "b"], &["a"]));
    assert!(!matches(&[], &["a"]));
}
