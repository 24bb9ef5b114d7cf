//! Log lines on standard error: what happened, to whom, what to do.
//!
//! procd and systemd add the time; at a terminal nobody misses it. Never a passcode, key or
//! secret: those are [`Secret`](crate::domain::secret::Secret), which does not print.

use std::io::Write;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::domain::voucher::breaks_a_line;

struct StandardError;

impl Log for StandardError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            Level::Error => "error: ",
            Level::Warn => "warning: ",
            Level::Info => "",
            Level::Debug => "debug: ",
            Level::Trace => "trace: ",
        };
        // One write for the whole line, so that lines of two threads do not mix. Where standard
        // error is gone there is nobody to tell.
        let _ = std::io::stderr().write_all(line(level, &record.args().to_string()).as_bytes());
    }

    fn flush(&self) {}
}

/// One line, whatever the message quotes: a line break in it would pass for another message.
fn line(level: &str, message: &str) -> String {
    format!("hotspotd: {level}{}\n", message.replace(breaks_a_line, "\u{fffd}"))
}

/// Starts logging, or changes the level.
pub fn set_level(level: LevelFilter) {
    // The second call finds the logger in place: only the level changes.
    let _ = log::set_logger(&StandardError);
    log::set_max_level(level);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_it_quotes() {
        let quoted = line("warning: ", "name 'a\nhotspotd: b\u{1b}[2J\u{202e}' is ü");
        assert_eq!(
            quoted,
            "hotspotd: warning: name 'a\u{fffd}hotspotd: b\u{fffd}[2J\u{fffd}' is ü\n"
        );
    }
}
