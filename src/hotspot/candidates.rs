//! What an access point's request may mean: usernames, passwords, and what is known of them.

use super::access::AccessRequest;
use crate::domain::login::Credential;
use crate::domain::secret::Secret;
use crate::domain::voucher::Voucher;
use crate::policy::dictionary::CLEARTEXT_PASSWORD;
use crate::policy::{Pairs, Value};
use crate::proof::{Keys, Known, Proof, Verdict, prove};

/// Somebody who may be meant, and what was sent to show it.
pub(super) struct Candidate {
    pub(super) username: String,
    pub(super) proof: Proof,
    pub(super) is_as_typed: bool,
}

/// The pairs of username and proof that were probably meant. A password that is sent as it was
/// typed may be read as on the portal: a code in one field, blanks that a keyboard has put there.
pub(super) fn candidates(request: &AccessRequest) -> Vec<Candidate> {
    let username = request.username.clone();
    match &request.proof {
        Proof::Pap(passcode) => {
            let typed = Credential::Pair { username, passcode: passcode.clone() };
            let candidate = |(username, meant): (String, Secret)| Candidate {
                is_as_typed: username == request.username && meant == *passcode,
                username,
                proof: Proof::Pap(meant),
            };
            typed.meanings().into_iter().map(candidate).collect()
        }
        proof => vec![Candidate { username, proof: proof.clone(), is_as_typed: true }],
    }
}

pub(super) fn what_is_known(voucher: &Voucher) -> Pairs {
    let mut known = Pairs::default();
    let passcode = voucher.passcode.secret().reveal().to_owned();
    known.replace(CLEARTEXT_PASSWORD, Value::Text(passcode));
    known
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
