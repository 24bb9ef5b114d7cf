//! What an access point's request may mean: usernames, passwords, and what is known of them.

use std::borrow::Cow;

use super::Hotspot;
use super::radius_messages::AccessRequest;
use crate::authn::{Keys, Known, Proof, Verdict, prove};
use crate::domain::code;
use crate::domain::list::Entry;
use crate::domain::login::{self, Credential, Meaning};
use crate::domain::secret::Secret;
use crate::domain::station::Mac;
use crate::domain::typed;
use crate::domain::voucher::{Username, Voucher, casefold};
use crate::policy::dictionary::{AUTH_TYPE, CLEARTEXT_PASSWORD};
use crate::policy::{Authorized, Pairs, User, Value, authorize, passwords};
use crate::store::StoreError;

/// Somebody who may be meant, and what was sent to show it.
pub(super) struct Candidate {
    pub(super) username: String,
    pub(super) proof: Proof,
    /// What the method needs, where `proof` was read out of a code that was sent beside a hash.
    pub(super) keys: Keys,
    /// What the code was read as, where it was one.
    code: Option<Meaning>,
    is_as_typed: bool,
}

/// Somebody who exists and may be meant.
pub(super) struct Meant {
    pub(super) candidate: Candidate,
    pub(super) voucher: Option<Entry<Voucher>>,
    pub(super) user: User,
}

impl Hotspot {
    /// Those that may be meant and exist.
    pub(super) fn meant_users(&self, request: &AccessRequest) -> Result<Vec<Meant>, StoreError> {
        let mut meant = Vec::new();
        for mut candidate in candidates(request) {
            let Ok(Some(username)) = Username::parse(&candidate.username) else { continue };
            let voucher = self.voucher_named(&candidate.username)?;
            if let (Some(entry), Some(code)) = (&voucher, &candidate.code)
                && entry.value.opens_as(code)
            {
                candidate.proof = Proof::Pap(entry.value.passcode.secret().clone());
            }
            let user = self.store.policy_of(&username)?;
            // Blanks are left out and codes taken apart for vouchers alone.
            let is_user = user != User::default() && candidate.is_as_typed;
            if voucher.is_some() || is_user {
                meant.push(Meant { candidate, voucher, user });
            }
        }
        Ok(meant)
    }
}

/// The pairs of username and proof that were probably meant, at most a dozen. What was typed may be
/// read as on the portal: a code in one field or in both, a generated code however it is written,
/// another Unicode form. Of what is hashed the username alone can be read.
fn candidates(request: &AccessRequest) -> Vec<Candidate> {
    match &request.proof {
        Proof::Pap(passcode) => candidates_of_pap(request, passcode),
        proof => {
            let plain = typed::unseparated(&request.username);
            let is_generated = code::is_generated(&plain, code::USERNAME_LENGTH);
            let plain = Some(plain).filter(|it| is_generated && *it != casefold(&request.username));
            let as_typed = (request.username.clone(), true);
            let names = [as_typed].into_iter().chain(plain.map(|plain| (plain, false)));
            let candidate = |(username, is_as_typed)| Candidate {
                username,
                proof: proof.clone(),
                keys: Keys::None,
                code: None,
                is_as_typed,
            };
            names.map(candidate).chain(candidates_of_code(request)).collect()
        }
    }
}

fn candidates_of_pap(request: &AccessRequest, passcode: &Secret) -> Vec<Candidate> {
    let typed =
        Meaning { username: request.username.clone(), passcode: passcode.clone(), is_code: false };
    let normal = Secret::new(typed::normalised(passcode.reveal()));
    let normal = Some(normal).filter(|normal| normal != passcode);
    let normal = normal.map(|passcode| Meaning { passcode, ..typed.clone() });
    // Also where the password is empty: the operator's rows may let in without one.
    let as_typed = [Some(typed.clone()), normal].into_iter().flatten();
    let credential =
        Credential::Pair { username: typed.username.clone(), passcode: typed.passcode.clone() };
    let others = credential.meanings().into_iter().filter(|it| *it != typed);
    let all = as_typed.map(|it| (it, true)).chain(others.map(|it| (it, false)));
    all.map(|(meaning, is_as_typed)| Candidate {
        username: meaning.username.clone(),
        proof: Proof::Pap(meaning.passcode.clone()),
        keys: Keys::None,
        code: Some(meaning).filter(|it| it.is_code),
        is_as_typed,
    })
    .collect()
}

/// Readings of a username that is a code, where the hash beside it was made of what people and login
/// pages put into the other field: the passcode, nothing, or the code again.
fn candidates_of_code(request: &AccessRequest) -> impl Iterator<Item = Candidate> {
    let code = Secret::new(request.username.as_str());
    let made_of = |text: Secret| match prove(&request.proof, &Known::Cleartext(text)) {
        Verdict::Proven(keys) => Some(keys),
        _ => None,
    };
    let of_the_rest = match request.proof {
        // Some leave out a password that is empty.
        Proof::Nothing => Some(Keys::None),
        _ => made_of(Secret::new("")).or_else(|| made_of(code.clone())),
    };
    let meanings = Credential::Code(code.clone()).meanings().into_iter();
    let candidate = move |meaning: Meaning| {
        // Hashing is what a request costs most: that of the whole code is known by now.
        let is_whole = meaning.passcode == code;
        let of_passcode = || (!is_whole).then(|| made_of(meaning.passcode.clone())).flatten();
        let keys = of_the_rest.clone().or_else(of_passcode)?;
        Some(Candidate {
            username: meaning.username.clone(),
            proof: Proof::Pap(meaning.passcode.clone()),
            keys,
            code: Some(meaning),
            is_as_typed: false,
        })
    };
    meanings.filter_map(candidate)
}

/// Whether the username is a code, so that it holds a passcode: nothing else was sent, or the code
/// again, or its passcode.
pub(super) fn holds_code(request: &AccessRequest) -> bool {
    let username = &request.username;
    let made_of = |text: &str| {
        let text = Known::Cleartext(Secret::new(text));
        matches!(prove(&request.proof, &text), Verdict::Proven(_))
    };
    match &request.proof {
        Proof::Pap(passcode) => login::holds_code(username, passcode),
        Proof::Nothing => true,
        _ => {
            let meanings = Credential::Code(Secret::new(username.as_str())).meanings();
            made_of("") || meanings.iter().any(|it| made_of(it.passcode.reveal()))
        }
    }
}

pub(super) fn what_is_known(voucher: &Voucher) -> Pairs {
    let mut known = Pairs::default();
    let passcode = voucher.passcode.secret().reveal().to_owned();
    known.replace(CLEARTEXT_PASSWORD, Value::Text(passcode));
    known
}

/// What somebody's rows come to. Where a check item of their own does not hold, and nothing else is
/// known of them for that, since their password is one of the rows: what they would come to if it
/// held, and which it is.
pub(super) fn apply_rows(
    user: &User,
    request: &AccessRequest,
    known: Pairs,
) -> (Authorized, Option<&'static str>) {
    let rows = authorize(user, &request.attributes, known.clone());
    let nothing_is_known =
        passwords(&rows.control).is_empty() && rows.control.get(AUTH_TYPE).is_none();
    let failed = rows.failed.as_ref().filter(|_| nothing_is_known);
    let Some(item) = failed.map(|row| row.attribute.name()) else { return (rows, None) };
    let mut user = user.clone();
    user.check.retain(|row| row.operator.assigns());
    (authorize(&user, &request.attributes, known), Some(item))
}

/// Forms in which somebody may have typed a password that is known: normalised (NFC), and a voucher's
/// generated passcode in capitals or with the first letter capital, which are all that can be tried
/// where the access point sends a hash. A device's MAC that is its password as well is spelled as the
/// access point has it.
pub(super) fn with_other_forms(
    known: Vec<Known>,
    username: &str,
    voucher: Option<&Voucher>,
) -> Vec<Known> {
    let device: Option<Mac> = username.trim().parse().ok();
    let generated = voucher.filter(|voucher| voucher.has_passcode_of_generated_form());
    let generated = generated.map(|voucher| voucher.passcode.secret());
    let mut others = Vec::new();
    for password in &known {
        let Known::Cleartext(password) = password else { continue };
        let text = password.reveal();
        if let Cow::Owned(normal) = typed::normalised(text) {
            others.push(normal);
        }
        if device.is_some_and(|mac| text.parse() == Ok(mac)) {
            others.push(username.to_owned());
        }
        if generated == Some(password) {
            let upper = text.to_ascii_uppercase();
            others.extend(
                upper.get(..1).zip(text.get(1..)).map(|(first, rest)| format!("{first}{rest}")),
            );
            others.push(upper);
        }
    }
    known
        .into_iter()
        .chain(others.into_iter().map(|it| Known::Cleartext(Secret::new(it))))
        .collect()
}

/// The first of the passwords that fits. Each slow hash is asked for once: the answers come with the
/// request.
pub(super) fn prove_any(proof: &Proof, known: &[Known], hashed: &[(String, bool)]) -> Verdict {
    for known in known {
        let verdict = match prove(proof, known) {
            Verdict::Slow(hash) => match hashed.iter().find(|(asked, _)| *asked == hash) {
                None => return Verdict::Slow(hash),
                Some((_, true)) => Verdict::Proven(Keys::None),
                Some((_, false)) => Verdict::Wrong,
            },
            verdict => verdict,
        };
        if matches!(verdict, Verdict::Proven(_)) {
            return verdict;
        }
    }
    Verdict::Wrong
}
