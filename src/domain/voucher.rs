//! The voucher: how it is asked for, issued, and redeemed.

use std::fmt;

use rand::Rng;

use super::code;
use super::login::{Grant, Meaning, Refusal};
use super::plan::Preset;
use super::secret::Secret;
use super::session::{Allowance, Usage};
use super::station::Mac;
use super::time::{Now, Timestamp};
use super::typed;
use super::validity::{Dates, Standing, ValidFor, standing};

/// Characters of a code that a guest's page shows at most.
const SHOWN_OF_A_CODE: usize = 2;

/// Octets that fit in a RADIUS User-Name (RFC 2865 §5): a longer one could never sign in there.
const USERNAME_OCTETS: usize = 253;
/// Octets that fit in a RADIUS User-Password (RFC 2865 §5.2).
const PASSCODE_OCTETS: usize = 128;
/// Enough for any name, small enough for a table row.
const FULLNAME_OCTETS: usize = 255;

/// A text that cannot be stored: too long, or with control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfitText {
    octets: usize,
}

impl fmt::Display for UnfitText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { octets } = self;
        write!(f, "must have no control characters and at most {octets} bytes")
    }
}

impl std::error::Error for UnfitText {}

/// Whether a character would break a line, a table or a terminal somewhere else: control
/// characters, Unicode's own line ends, and the overrides that print a text backwards.
pub fn breaks_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}')
}

fn fit(text: &str, octets: usize) -> Result<(), UnfitText> {
    if text.len() > octets || text.contains(breaks_a_line) {
        return Err(UnfitText { octets });
    }
    Ok(())
}

/// The name on a voucher, kept in its normal form (NFC) without surrounding blanks and invisible
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// As it was stored, checked when it went in.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// `None` where nothing but blanks was given.
    ///
    /// # Errors
    /// More than 253 bytes, or control characters.
    pub fn parse(text: &str) -> Result<Option<Self>, UnfitText> {
        let text = typed::normalised(typed::trimmed(text));
        fit(&text, USERNAME_OCTETS)?;
        Ok((!text.is_empty()).then(|| Self(text.into_owned())))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form two usernames are compared in: phones capitalise the first letter.
    pub fn folded(&self) -> String {
        casefold(&self.0)
    }
}

/// The form in which names that somebody typed are compared: lower case, composed (NFC), without
/// blanks and invisible characters at the ends. `ß` stays apart from `SS`. A MAC address, which each
/// access point writes in its own way, has one form: `aa:bb:cc:dd:ee:ff`.
pub fn casefold(name: &str) -> String {
    match typed::trimmed(name).parse::<Mac>() {
        Ok(mac) => mac.to_string().to_lowercase(),
        Err(_) => casefold_text(name),
    }
}

/// [`casefold`] for texts of which none is taken for a MAC address.
pub(crate) fn casefold_text(name: &str) -> String {
    let name = typed::trimmed(name);
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    typed::normalised(&name.to_lowercase()).into_owned()
}

/// The secret half of a voucher, compared in its normal form ([`typed::normalised`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passcode(Secret);

impl Passcode {
    /// As it was stored, checked when it went in.
    pub(crate) fn stored(text: String) -> Self {
        Self(Secret::new(text))
    }

    /// `None` where nothing but blanks was given.
    ///
    /// # Errors
    /// More than 128 bytes, or control characters.
    pub fn parse(text: &str) -> Result<Option<Self>, UnfitText> {
        let text = typed::normalised(text);
        fit(&text, PASSCODE_OCTETS)?;
        Ok((!typed::is_blank(&text)).then(|| Self(Secret::new(text))))
    }

    /// The text itself, for the store and for who asked for the voucher.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

/// A name for the operator's own lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullName(String);

impl FullName {
    /// As it was stored, checked when it went in.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// `None` where nothing but blanks was given.
    ///
    /// # Errors
    /// More than 255 bytes, or control characters.
    pub fn parse(text: &str) -> Result<Option<Self>, UnfitText> {
        let text = text.trim();
        fit(text, FULLNAME_OCTETS)?;
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A cap on one direction's data, in units of 1,048,576 bytes; 0 is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataLimit(u32);

impl DataLimit {
    /// The largest cap of the vendor's page: exactly 9 TiB.
    const MAX_MEGABYTES: u32 = 9_437_184;

    /// Whole megabytes; what is not between 1 and 9,437,184 is unlimited, as the vendor's page says.
    pub fn from_megabytes(megabytes: i64) -> Self {
        match u32::try_from(megabytes) {
            Ok(megabytes @ 1..=Self::MAX_MEGABYTES) => Self(megabytes),
            _ => Self(0),
        }
    }

    /// Megabytes; 0 is unlimited.
    pub fn megabytes(self) -> u32 {
        self.0
    }

    /// Bytes; `None` is unlimited.
    pub fn bytes(self) -> Option<u64> {
        (self.0 > 0).then(|| u64::from(self.0) << 20)
    }
}

/// What a caller asks of a new voucher; everything may be left to the hotspot.
#[derive(Clone, Debug, Default)]
pub struct VoucherRequest {
    /// Random where absent.
    pub username: Option<Username>,
    /// Random where absent.
    pub passcode: Option<Passcode>,
    /// Random where absent.
    pub fullname: Option<FullName>,
    /// The preset where absent.
    pub valid_for: Option<ValidFor>,
    /// At once where absent.
    pub valid_from: Option<Timestamp>,
    /// Cap towards the guest.
    pub download_limit: DataLimit,
    /// Cap from the guest.
    pub upload_limit: DataLimit,
}

/// A voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Unique without regard to case.
    pub username: Username,
    /// What the guest types next to it.
    pub passcode: Passcode,
    /// For the operator's lists.
    pub fullname: FullName,
    /// When it was made.
    pub created_at: Timestamp,
    /// When any field last changed.
    pub modified_at: Timestamp,
    /// When it was first used.
    pub first_login: Option<Timestamp>,
    /// When it was last used.
    pub last_login: Option<Timestamp>,
    /// How long it lasts.
    pub valid_for: ValidFor,
    /// The start that was asked for, if any.
    pub valid_from: Option<Timestamp>,
    /// The device that used it last.
    pub mac: Option<Mac>,
    /// Cap towards the guest.
    pub download_limit: DataLimit,
    /// Cap from the guest.
    pub upload_limit: DataLimit,
    /// What has been used with it, by all devices together.
    pub used: Usage,
    /// Whether the passcode was drawn here, and not chosen.
    pub is_passcode_generated: bool,
}

impl Voucher {
    /// Fills what the request leaves open: preset and random codes.
    pub fn issue(request: VoucherRequest, preset: &Preset, now: Now, rng: &mut dyn Rng) -> Self {
        let username = request.username;
        let username = username.unwrap_or_else(|| Username(code::code(rng, code::USERNAME_LENGTH)));
        let is_passcode_generated = request.passcode.is_none();
        let passcode = request
            .passcode
            .unwrap_or_else(|| Passcode(Secret::new(code::code(rng, code::PASSCODE_LENGTH))));
        let fullname = request.fullname;
        let fullname =
            fullname.unwrap_or_else(|| FullName(format!("Guest {}", code::code(rng, 5))));
        Self {
            username,
            passcode,
            fullname,
            created_at: now.wall,
            modified_at: now.wall,
            first_login: None,
            last_login: None,
            valid_for: request.valid_for.unwrap_or(preset.valid_for),
            valid_from: request.valid_from,
            mac: None,
            download_limit: request.download_limit,
            upload_limit: request.upload_limit,
            used: Usage::default(),
            is_passcode_generated,
        }
    }

    /// Whether this is the voucher's passcode. Vouchers of earlier versions may have one that is not
    /// in its normal form.
    pub fn opens_with(&self, passcode: &Secret) -> bool {
        let own = Secret::new(typed::normalised(self.passcode.secret().reveal()));
        own.matches(&typed::normalised(passcode.reveal()))
    }

    /// Whether this is the voucher's passcode, where it was read out of a code (`is_code`): one that is
    /// the username as well then compares as usernames do.
    pub fn opens_as(&self, meaning: &Meaning) -> bool {
        let as_username = meaning.is_code && self.is_one_code();
        let folded = || Secret::new(casefold(meaning.passcode.reveal()));
        self.opens_with(&meaning.passcode)
            || as_username && folded().matches(&self.username.folded())
    }

    /// Whether the passcode cannot be guessed: it was drawn here, and is not the username as well.
    pub fn has_generated_passcode(&self) -> bool {
        self.is_passcode_generated && !self.is_one_code()
    }

    /// Whether the passcode has the form of generated ones, and is not the username as well. So it is
    /// compared like them; what somebody chose, as `summer25`, can have that form.
    pub fn has_passcode_of_generated_form(&self) -> bool {
        code::is_generated(self.passcode.secret().reveal(), code::PASSCODE_LENGTH)
            && !self.is_one_code()
    }

    /// Decides whether this voucher lets somebody in now who has shown the passcode, or a device that
    /// belongs to it.
    ///
    /// # Errors
    /// The refusal, as a value for the guest and the login log.
    pub fn admit(&self, preset: &Preset, now: Now) -> Result<Grant, Refusal> {
        let dates = Dates {
            created_at: self.created_at,
            valid_from: self.valid_from,
            first_login: self.first_login,
        };
        let until = match standing(self.valid_for, preset.validity_starts, dates, now) {
            Standing::NotYet(from) => return Err(Refusal::NotYet(from)),
            Standing::Expired(since) => return Err(Refusal::Expired(since)),
            Standing::Running(until) => until,
            // This login starts the voucher's time.
            Standing::Unused => self.valid_for.seconds().map(|seconds| now.wall.plus(seconds)),
        };
        if self.data_left().is_over() {
            return Err(Refusal::UsedUp);
        }
        Ok(Grant { until, plan: preset.plan })
    }

    /// Whether the username is the passcode as well: a voucher handed out as one code.
    pub fn is_one_code(&self) -> bool {
        self.username.folded() == casefold(self.passcode.secret().reveal())
    }

    /// The username as a guest's page may show it. Of a voucher that is one code only the beginning:
    /// whoever looks at the page could sign in with the rest.
    pub fn shown_username(&self) -> String {
        let username = self.username.as_str();
        if !self.is_one_code() {
            return username.to_owned();
        }
        let shown = SHOWN_OF_A_CODE.min(username.chars().count() / 2);
        username.chars().take(shown).chain(['…']).collect()
    }

    /// The data that is left, for all devices together.
    pub fn data_left(&self) -> Allowance {
        let left = |limit: DataLimit, used| limit.bytes().map(|limit| limit.saturating_sub(used));
        Allowance {
            time: None,
            download: left(self.download_limit, self.used.download),
            upload: left(self.upload_limit, self.used.upload),
        }
    }

    /// The voucher after a login at `now` from `station`.
    #[must_use]
    pub fn used(mut self, station: Mac, now: Now) -> Self {
        self.first_login.get_or_insert(now.wall);
        self.last_login = Some(now.wall);
        self.mac = Some(station);
        self
    }
}
