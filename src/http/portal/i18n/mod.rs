//! Internationalization: the portal's texts by language.
//!
//! One value of [`Text`] per language and file: a missing sentence does not compile. `{}` is the
//! placeholder of a value. Sentences avoid counts, so that no language needs plural forms.

mod ar;
mod de;
mod en;
mod es;
mod fr;
mod it;
mod nl;
mod pl;
mod pt;
mod zh;

/// Every sentence of the portal in one language.
#[derive(Debug)]
pub(super) struct Text {
    /// The language's tag (RFC 5646), primary subtag only.
    pub(super) tag: &'static str,
    /// Its own name for itself.
    pub(super) name: &'static str,
    /// `ltr` or `rtl`.
    pub(super) direction: &'static str,
    /// The portal's title where the operator gives none.
    pub(super) title: &'static str,
    /// What to do on the sign-in page.
    pub(super) intro: &'static str,
    /// The first field.
    pub(super) login: &'static str,
    /// The second field.
    pub(super) passcode: &'static str,
    /// When to leave the second field empty.
    pub(super) passcode_hint: &'static str,
    /// The button.
    pub(super) connect: &'static str,
    /// Above the operator's terms.
    pub(super) terms: &'static str,
    /// That signing in means accepting them.
    pub(super) terms_implied: &'static str,
    /// Beside the box that must be ticked.
    pub(super) terms_box: &'static str,
    /// The box was not ticked.
    pub(super) terms_missing: &'static str,
    /// After signing out.
    pub(super) signed_out: &'static str,
    /// Nothing was typed.
    pub(super) nothing_typed: &'static str,
    /// No voucher has the username.
    pub(super) unknown_username: &'static str,
    /// The voucher has another passcode.
    pub(super) wrong_passcode: &'static str,
    /// No voucher has the code.
    pub(super) wrong_code: &'static str,
    /// Not valid before `{}`.
    pub(super) not_yet: &'static str,
    /// Not valid since `{}`.
    pub(super) expired: &'static str,
    /// The data is used up.
    pub(super) used_up: &'static str,
    /// As many devices as allowed are online.
    pub(super) too_many_devices: &'static str,
    /// Too many guesses by this device; wait for `{}`.
    pub(super) too_many_tries: &'static str,
    /// Too many guesses by others; wait for `{}`.
    pub(super) too_many_tries_by_others: &'static str,
    /// Signed in too often; wait for `{}`.
    pub(super) too_many_sign_ins: &'static str,
    /// It is not known which device on the guest network this is.
    pub(super) unknown_device: &'static str,
    /// The form came from another site.
    pub(super) foreign_form: &'static str,
    /// Heading of the page for those who are signed in.
    pub(super) online: &'static str,
    /// That nothing else is to be done.
    pub(super) done: &'static str,
    /// On to the page first asked for, on the host `{}`.
    pub(super) go_on: &'static str,
    /// Before the login name.
    pub(super) signed_in_as: &'static str,
    /// Before a duration.
    pub(super) time_left: &'static str,
    /// Before a moment.
    pub(super) valid_until: &'static str,
    /// Before data towards the guest that is left.
    pub(super) download_left: &'static str,
    /// Before data from the guest that is left.
    pub(super) upload_left: &'static str,
    /// Before data towards the guest so far.
    pub(super) downloaded: &'static str,
    /// Before data from the guest so far.
    pub(super) uploaded: &'static str,
    /// Instead of an amount.
    pub(super) no_limit: &'static str,
    /// The button.
    pub(super) sign_out: &'static str,
    /// Heading where the hotspot cannot answer.
    pub(super) fault: &'static str,
    /// What to do then.
    pub(super) fault_advice: &'static str,
    /// The button for it.
    pub(super) again: &'static str,
    /// Heading where a request cannot be read.
    pub(super) unreadable: &'static str,
    /// What helps then.
    pub(super) unreadable_advice: &'static str,
    /// Heading where there is no such page.
    pub(super) not_found: &'static str,
    /// To the start page.
    pub(super) back: &'static str,
    /// Name of the choice of languages, for those who cannot see it.
    pub(super) languages: &'static str,
    /// A moment, out of `{d}`, `{m}`, `{y}`, `{t}` (hours and minutes) and `{mon}` (English).
    pub(super) date: &'static str,
    /// Between whole and tenth.
    pub(super) decimal: char,
    /// Day, hour, minute, second, each behind its number, blanks included.
    pub(super) time_units: [&'static str; 4],
    /// KB, MB, GB, TB.
    pub(super) data_units: [&'static str; 4],
}

/// In display order.
pub(super) const LANGUAGES: [&Text; 10] = [
    &en::TEXT,
    &de::TEXT,
    &fr::TEXT,
    &es::TEXT,
    &it::TEXT,
    &pt::TEXT,
    &nl::TEXT,
    &pl::TEXT,
    &ar::TEXT,
    &zh::TEXT,
];

/// The default.
pub(super) const ENGLISH: &Text = &en::TEXT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_with_a_gap_have_one_and_the_others_none() {
        for text in LANGUAGES {
            let waits =
                [text.too_many_tries, text.too_many_tries_by_others, text.too_many_sign_ins];
            for gap in [text.not_yet, text.expired, text.go_on].into_iter().chain(waits) {
                assert_eq!(gap.matches("{}").count(), 1, "{}: {gap}", text.tag);
            }
            let shown = format!("{text:?}");
            assert_eq!(shown.matches("{}").count(), 6, "{}", text.tag);
            for part in ["{d}", "{y}", "{t}"] {
                assert!(text.date.contains(part), "{}: {part}", text.tag);
            }
            assert!(!shown.contains("\"\""), "{} has an empty sentence", text.tag);
            // They go into pages unescaped.
            assert!(!shown.contains(['<', '>', '&']), "{}", text.tag);
        }
    }

    #[test]
    fn no_language_has_english_sentences() {
        for text in LANGUAGES.iter().skip(1) {
            for (own, english) in [
                (text.intro, ENGLISH.intro),
                (text.unknown_username, ENGLISH.unknown_username),
                (text.wrong_passcode, ENGLISH.wrong_passcode),
                (text.online, ENGLISH.online),
                (text.fault_advice, ENGLISH.fault_advice),
            ] {
                assert_ne!(own, english, "{}", text.tag);
            }
        }
    }
}
