//! What an access point's request may mean: usernames, passwords, and what is known of them.

use std::borrow::Cow;

use super::Hotspot;
use super::access::AccessRequest;
use crate::domain::code;
use crate::domain::list::Entry;
use crate::domain::login::Credential;
use crate::domain::secret::Secret;
use crate::domain::typed;
use crate::domain::voucher::{Username, Voucher, fold};
use crate::policy::dictionary::{AUTH_TYPE, CLEARTEXT_PASSWORD};
use crate::policy::{Authorized, Pairs, User, Value, authorize, passwords};
use crate::proof::{Keys, Known, Proof, Verdict, prove};
use crate::store::StoreError;

/// Somebody who may be meant, and what was sent to show it.
pub(super) struct Candidate {
    pub(super) username: String,
    pub(super) proof: Proof,
    pub(super) is_as_typed: bool,
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
        for candidate in candidates(request) {
            let Ok(Some(username)) = Username::parse(&candidate.username) else { continue };
            let voucher = self.voucher_named(&candidate.username)?;
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

/// The pairs of username and proof that were probably meant. A password that is sent as it was
/// typed may be read as on the portal: a code in one field, a generated code however it is written,
/// another Unicode form. Of what is hashed the username alone can be.
fn candidates(request: &AccessRequest) -> Vec<Candidate> {
    let username = request.username.clone();
    match &request.proof {
        Proof::Pap(passcode) => {
            let normal = Secret::new(typed::normalised(passcode.reveal()));
            let credential = Credential::Pair { username, passcode: passcode.clone() };
            let mut meanings = credential.meanings();
            if normal != *passcode {
                meanings.insert(1.min(meanings.len()), (request.username.clone(), normal.clone()));
            }
            let candidate = |(username, meant): (String, Secret)| Candidate {
                is_as_typed: username == request.username
                    && (meant == *passcode || meant == normal),
                username,
                proof: Proof::Pap(meant),
            };
            meanings.into_iter().map(candidate).collect()
        }
        proof => {
            let plain = typed::unseparated(&username);
            let is_generated = code::is_generated(&plain, code::USERNAME_LENGTH);
            let plain = Some(plain).filter(|plain| is_generated && *plain != fold(&username));
            let as_typed = (username, true);
            let names = [as_typed].into_iter().chain(plain.map(|plain| (plain, false)));
            let candidate =
                |(username, is_as_typed)| Candidate { username, proof: proof.clone(), is_as_typed };
            names.map(candidate).collect()
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
/// where the access point sends a hash.
pub(super) fn with_other_forms(known: Vec<Known>, voucher: Option<&Voucher>) -> Vec<Known> {
    let generated = voucher.filter(|voucher| voucher.has_passcode_of_generated_form());
    let generated = generated.map(|voucher| voucher.passcode.secret());
    let mut others = Vec::new();
    for password in &known {
        let Known::Cleartext(password) = password else { continue };
        let text = password.reveal();
        if let Cow::Owned(normal) = typed::normalised(text) {
            others.push(normal);
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
