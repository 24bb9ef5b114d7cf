//! Traffic that goes on while something else happens.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::{Node, until};

/// One end of a flow; see `peer.py`.
pub struct Flow {
    what: String,
    process: Child,
    /// It ends when this does.
    questions: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

/// What has passed one end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    pub pieces: u64,
    pub octets: u64,
}

impl Flow {
    /// Starts it, and waits until it runs.
    pub fn start(node: &Node, words: &str) -> Self {
        Self::script(node, "peer.py", words)
    }

    /// One that is another script's.
    pub fn script(node: &Node, script: &str, words: &str) -> Self {
        let mut command = node.script_command(script, words);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let questions = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let what = format!("{} {words}", node.name);
        let first = answers.next().unwrap_or_else(|| panic!("{what} has ended")).unwrap();
        assert_eq!(first, "ready", "{what}");
        Self { what, process, questions, answers }
    }

    /// What it says when it is asked.
    pub fn says(&mut self) -> String {
        self.tells();
        self.answer()
    }

    /// Asks it.
    pub fn tells(&mut self) {
        self.questions.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// What it says next.
    pub fn answer(&mut self) -> String {
        let line = self.answers.next().unwrap_or_else(|| panic!("{} has ended", self.what));
        line.unwrap()
    }

    /// What has passed so far.
    pub fn passed(&mut self) -> Passed {
        let line = self.says();
        let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        Passed { pieces: numbers[0], octets: numbers[1] }
    }

    /// Waits until this many more pieces have passed.
    pub fn goes_on(&mut self, more: u64) {
        let before = self.passed().pieces;
        let gone_on = until(|| self.passed().pieces >= before + more);
        assert!(gone_on, "{} has stopped", self.what);
    }

    /// Waits until nothing more arrives while `clock` goes on, and says what has.
    pub fn stalls(&mut self, clock: &mut Self) -> Passed {
        let mut last = self.passed();
        let stalled = until(|| {
            clock.goes_on(200);
            let before = std::mem::replace(&mut last, self.passed());
            before == last
        });
        assert!(stalled, "{} goes on", self.what);
        last
    }

    /// Nothing arrives of what is sent from now on. `sender` counts after it has sent, so one may
    /// be on its way while we ask.
    pub fn is_cut(sender: &mut Self, receiver: &mut Self) {
        let sent = sender.passed().pieces;
        sender.goes_on(200);
        let received = receiver.passed().pieces;
        assert!(received <= sent + 1, "{}: {received} of {sent} and more", receiver.what);
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        drop(self.questions.take());
        super::ended(&mut self.process);
    }
}
