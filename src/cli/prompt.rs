//! A password from the terminal, without showing it, or from standard input.

use std::io::{self, BufRead, IsTerminal, Read, Stdin, Write};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use super::client::Failure;

/// Bytes read at most: far more than a password may have.
const BYTES: u64 = 4096;

/// Asks for a password twice on a terminal; elsewhere takes the first line of standard input.
pub(super) fn password(username: &str) -> Result<String, Failure> {
    let input = io::stdin();
    if !input.is_terminal() {
        return first_line(input.lock());
    }
    let password = typed(&input, &format!("Password for {username}: "))?;
    let again = typed(&input, "Once more: ")?;
    if password == again {
        Ok(password)
    } else {
        Err(Failure::Refused("the two are not the same; nothing was changed".to_owned()))
    }
}

fn first_line(input: impl BufRead) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    input.take(BYTES).read_until(b'\n', &mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| Failure::Refused("the password is not UTF-8".to_owned()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// One line, typed without being shown. Every key is taken here, Control-C as well: a program that
/// is ended while the terminal shows nothing leaves it so.
fn typed(input: &Stdin, question: &str) -> Result<String, Failure> {
    let _quiet = Quiet::new(input).map_err(|error| unreadable(error.into()))?;
    eprint!("{question}");
    let _ = io::stderr().flush();
    let mut line = Vec::new();
    let outcome = loop {
        let mut key = [0];
        if input.lock().read(&mut key).map_err(unreadable)? == 0 {
            break Ok(());
        }
        match key[0] {
            b'\n' | b'\r' => break Ok(()),
            // Control-C, Control-D, Control-Z
            0x03 | 0x04 | 0x1a => {
                break Err(Failure::Refused("given up; nothing was changed".to_owned()));
            }
            0x08 | 0x7f => rub_out(&mut line),
            // Control-U
            0x15 => line.clear(),
            _ if line.len() as u64 >= BYTES => {}
            byte => line.push(byte),
        }
    };
    eprintln!();
    outcome?;
    String::from_utf8(line).map_err(|_| Failure::Refused("the password is not UTF-8".to_owned()))
}

/// Takes the last character away, which may be several bytes.
fn rub_out(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

fn unreadable(error: io::Error) -> Failure {
    Failure::Refused(format!("cannot read the password: {error}"))
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Quiet<'a> {
    input: &'a Stdin,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn new(input: &'a Stdin) -> nix::Result<Self> {
        let before = tcgetattr(input)?;
        let mut quiet = before.clone();
        quiet.local_flags &= !(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
        tcsetattr(input, SetArg::TCSADRAIN, &quiet)?;
        Ok(Self { input, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.input, SetArg::TCSADRAIN, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_whatever_ends_it() {
        for (bytes, expected) in [
            ("p w\n", "p w"),
            ("p\r\n", "p"),
            ("p", "p"),
            ("p\nq\n", "p"),
            ("", ""),
            (" p \n", " p "),
        ] {
            assert_eq!(first_line(bytes.as_bytes()).ok().as_deref(), Some(expected), "{bytes:?}");
        }
        assert!(first_line(&b"\xff\n"[..]).is_err());
    }

    #[test]
    fn a_character_is_rubbed_out_whole() {
        for (typed, left) in [("ab", "a"), ("aé", "a"), ("a€", "a"), ("a", ""), ("", "")] {
            let mut line = typed.as_bytes().to_vec();
            rub_out(&mut line);
            assert_eq!(line, left.as_bytes(), "{typed}");
        }
    }
}
