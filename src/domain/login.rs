//! Sign-ins: what is asked, what is answered, what is written down.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use super::code;
use super::plan::Plan;
use super::secret::Secret;
use super::station::Mac;
use super::time::Timestamp;
use super::typed;
use super::voucher::casefold;

/// A guest asks to be let in with a voucher.
#[derive(Clone, Debug)]
pub struct Login {
    /// As typed: compared without case and surrounding blanks.
    pub username: String,
    /// As typed: compared exactly.
    pub passcode: Secret,
    /// The device.
    pub station: Mac,
    /// The address the device spoke from, where known.
    pub address: Option<IpAddr>,
}

/// What a guest typed.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Username and passcode, as typed.
    Pair {
        /// Compared without case and surrounding blanks.
        username: String,
        /// Compared exactly.
        passcode: Secret,
    },
    /// Both in one, as typed.
    Code(Secret),
}

impl Credential {
    /// The part that is no secret, for the log.
    pub fn name(&self) -> &str {
        match self {
            Self::Pair { username, passcode } if !holds_code(username, passcode) => username,
            _ => "",
        }
    }

    /// The pairs of username and passcode that were probably meant, the likeliest first.
    ///
    /// A code may be a username that is its own passcode, or both in a row: with a blank or a dash
    /// between them, or, where the passcode is a generated one, with anything or nothing. A half that
    /// reads as a generated one ([`typed::unseparated`]) is tried as such as well: it fits what is
    /// stored in that form only, so that chosen halves stay exact.
    pub fn meanings(&self) -> Vec<Meaning> {
        match self {
            Self::Pair { username, passcode } => {
                let mut meanings = match typed::is_blank(passcode.reveal()) {
                    true => Vec::new(),
                    false => meanings_of_pair(username, passcode.reveal()),
                };
                // Who types a code into the first field of two, or into both, means a code.
                meanings.extend(match is_code_alone(username, passcode) {
                    true => meanings_of_code(username),
                    false => meanings_of_code_beside(username, passcode.reveal()),
                });
                meanings
            }
            Self::Code(code) => meanings_of_code(code.reveal()),
        }
    }
}

/// A username and a passcode that may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// Compared without case and surrounding blanks.
    pub username: String,
    /// Compared exactly.
    pub passcode: Secret,
    /// Whether both were read out of one text.
    pub is_code: bool,
}

/// Whether the first of two fields holds a code, and so a passcode.
pub fn holds_code(username: &str, passcode: &Secret) -> bool {
    is_code_alone(username, passcode)
        || !meanings_of_code_beside(username, passcode.reveal()).is_empty()
}

/// Readings of a code that has its passcode beside it once more.
fn meanings_of_code_beside(code: &str, passcode: &str) -> Vec<Meaning> {
    let (exact, plain) = (typed::trimmed(passcode), typed::unseparated(passcode));
    let is_generated = code::is_generated(&plain, code::PASSCODE_LENGTH);
    let mut meanings = meanings_of_code(code);
    meanings.retain(|meaning| {
        let passcode = meaning.passcode.reveal();
        passcode == exact || is_generated && passcode == plain
    });
    meanings
}

/// Whether two fields hold a code: in the first one, or in both.
fn is_code_alone(username: &str, passcode: &Secret) -> bool {
    typed::is_blank(passcode.reveal()) || casefold(username) == casefold(passcode.reveal())
}

fn meanings_of_pair(username: &str, passcode: &str) -> Vec<Meaning> {
    let generated = |text, length| {
        Some(typed::unseparated(text)).filter(|plain| code::is_generated(plain, length))
    };
    // Keyboards put a blank behind what they complete.
    let blanks = Some(typed::trimmed(passcode).to_owned());
    let mut passcodes = vec![passcode.to_owned()];
    let other = generated(passcode, code::PASSCODE_LENGTH).into_iter().chain(blanks);
    other.for_each(|it| {
        if !passcodes.contains(&it) {
            passcodes.push(it)
        }
    });
    let plain = generated(username, code::USERNAME_LENGTH);
    let plain = plain.filter(|plain| *plain != casefold(username));
    let usernames = [username.to_owned()].into_iter().chain(plain);
    let pairs = |username: String| {
        passcodes.iter().map(move |passcode| Meaning {
            username: username.clone(),
            passcode: Secret::new(passcode.as_str()),
            is_code: false,
        })
    };
    usernames.flat_map(pairs).collect()
}

fn meanings_of_code(typed: &str) -> Vec<Meaning> {
    let typed = typed::trimmed(typed);
    let pair = |username: &str, passcode: &str| {
        let halves = [username, passcode].map(typed::trimmed);
        let whole = halves.iter().all(|half| !half.is_empty());
        whole.then(|| Meaning {
            username: halves[0].to_owned(),
            passcode: Secret::new(halves[1]),
            is_code: true,
        })
    };
    let plain = typed::unseparated(typed);
    let generated = plain
        .split_at_checked(code::USERNAME_LENGTH)
        .filter(|_| code::is_generated(&plain, code::USERNAME_LENGTH + code::PASSCODE_LENGTH))
        .and_then(|(username, passcode)| pair(username, passcode));
    let spaced = typed.split_once(char::is_whitespace).and_then(|(first, rest)| pair(first, rest));
    let last = typed.rsplit_once(char::is_whitespace).and_then(|(first, rest)| pair(first, rest));
    let last = last.filter(|last| spaced.as_ref() != Some(last));
    let dashed = typed.rsplit_once(typed::is_dash).and_then(|(first, rest)| pair(first, rest));
    let chosen = before_generated_passcode(typed);
    let chosen = chosen.and_then(|(username, passcode)| pair(username, &passcode));
    // A code of the generated form that is its own passcode.
    let is_half = |length: &usize| code::is_generated(&plain, *length);
    let half = [code::USERNAME_LENGTH, code::PASSCODE_LENGTH].iter().any(is_half);
    let half = Some(&plain).filter(|plain| half && ***plain != casefold(typed));
    let half = half.and_then(|plain| pair(plain, plain));
    [generated, pair(typed, typed), half, spaced, last, dashed, chosen]
        .into_iter()
        .flatten()
        .collect()
}

/// A chosen username and a generated passcode in a row.
fn before_generated_passcode(typed: &str) -> Option<(&str, String)> {
    let mut characters = typed.char_indices().rev();
    let start = match typed.is_ascii() {
        true => {
            characters.filter(|(_, c)| c.is_ascii_alphanumeric()).nth(code::PASSCODE_LENGTH - 1)
        }
        false => characters.find(|(start, _)| {
            let rest = typed.get(*start..).map(typed::unseparated);
            rest.is_some_and(|rest| rest.chars().count() >= code::PASSCODE_LENGTH)
        }),
    };
    let (start, _) = start?;
    let (username, passcode) = typed.split_at_checked(start)?;
    let passcode = typed::unseparated(passcode);
    let between = |c: char| !c.is_alphanumeric();
    code::is_generated(&passcode, code::PASSCODE_LENGTH)
        .then(|| (username.trim_end_matches(between), passcode))
}

/// What a login earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// When the voucher ends; `None` is never.
    pub until: Option<Timestamp>,
    /// The limits that apply until then.
    pub plan: Plan,
}

/// Why a guest is not let in. Expected, and no fault of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No voucher has this username.
    UnknownUsername,
    /// The voucher has another passcode.
    WrongPasscode,
    /// Not valid before this moment.
    NotYet(Timestamp),
    /// Not valid any more since this moment.
    Expired(Timestamp),
    /// The voucher's data is used up.
    UsedUp,
    /// As many devices as the voucher allows are online.
    TooManyDevices,
    /// The same, and those devices are being asked whether they are still there: whoever tries again
    /// after this time takes the place of one that is not.
    DevicesAreProbed(Duration),
    /// Too many wrong guesses by this device; the next one is heard after this time.
    TooManyTries(Duration),
    /// Too many wrong guesses by others, on this network or with this username; the next one is
    /// heard after this time.
    TooManyTriesByOthers(Duration),
    /// Too many sign-ins; the next one is heard after this time.
    TooManySignIns(Duration),
    /// It is not known which device on the guest network this is.
    UnknownDevice,
}

impl Refusal {
    /// Where the answer is to come again later: after how long.
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::TooManyTries(wait)
            | Self::TooManyTriesByOthers(wait)
            | Self::TooManySignIns(wait) => Some(wait),
            _ => None,
        }
    }

    /// Whether username or passcode was wrong.
    pub fn is_wrong_guess(self) -> bool {
        matches!(self, Self::UnknownUsername | Self::WrongPasscode)
    }
}

impl fmt::Display for Refusal {
    /// The sentence in the login log; three are the vendor's own wording.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownUsername => "Wrong user name.",
            Self::WrongPasscode => "Wrong password.",
            Self::NotYet(_) => "The user is not valid yet.",
            Self::Expired(_) => "The user has expired or not valid.",
            Self::UsedUp => "The user has used up the data limit.",
            Self::TooManyDevices | Self::DevicesAreProbed(_) => {
                "Too many devices are online with this user."
            }
            Self::TooManyTries(_) | Self::TooManyTriesByOthers(_) => "Too many wrong attempts.",
            Self::TooManySignIns(_) => "Too many sign-ins.",
            Self::UnknownDevice => "The device is not on a guest network.",
        })
    }
}

/// The way somebody signed in (`type` in `get_logins`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// With a voucher.
    Voucher,
    /// With an e-mail address.
    Email,
    /// With a Facebook account.
    Facebook,
    /// With a mobile number.
    Mobile,
    /// By a click.
    Free,
    /// Through another access point over RADIUS.
    Radius,
}

const METHODS: [(Method, &str); 6] = [
    (Method::Voucher, "voucher"),
    (Method::Email, "email"),
    (Method::Facebook, "facebook"),
    (Method::Mobile, "mobile"),
    (Method::Free, "free"),
    (Method::Radius, "radius"),
];

impl Method {
    /// The word used in the store and in `get_logins`.
    pub fn word(self) -> &'static str {
        METHODS.iter().find(|(method, _)| *method == self).map_or("", |(_, word)| word)
    }
}

impl FromStr for Method {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        METHODS.iter().find(|(_, word)| *word == text).map(|(method, _)| *method).ok_or(())
    }
}

/// A row of the login log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRecord {
    /// When.
    pub at: Timestamp,
    /// Which way.
    pub method: Method,
    /// Who, as typed; never a passcode.
    pub login: String,
    /// The device, where known.
    pub mac: Option<Mac>,
    /// The address it spoke from, where known.
    pub address: Option<IpAddr>,
    /// Why it was refused; `None` is success.
    pub refusal: Option<String>,
    /// How many sign-ins the row stands for.
    pub times: u32,
}
