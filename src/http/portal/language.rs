//! Language negotiation (RFC 9110 section 12.5.4).

use super::i18n::{ENGLISH, LANGUAGES, Text};

/// Language ranges that are read of a header.
const NAMED: usize = 32;

/// The language with this tag; only what stands before the first hyphen counts.
pub(super) fn by_tag(tag: &str) -> Option<&'static Text> {
    let primary = tag.split('-').next().unwrap_or_default();
    LANGUAGES.into_iter().find(|text| text.tag.eq_ignore_ascii_case(primary))
}

/// The best of ours for an `Accept-Language` header (RFC 9110 section 12.5.4). `de-CH` is served
/// German and `zh-TW` simplified Chinese, which is nearer to its readers than English.
pub(super) fn negotiate(header: &str) -> &'static Text {
    let ranges = header.split(',').take(NAMED).filter_map(range);
    let best = ranges.fold(None, |best: Option<(u16, &'static Text)>, (weight, text)| match best {
        Some((before, _)) if before >= weight => best,
        _ => Some((weight, text)),
    });
    best.map_or(ENGLISH, |(_, text)| text)
}

/// `tag` or `tag;q=weight` as thousandths and a language; `None` for one that is refused, badly
/// written or not ours.
fn range(text: &str) -> Option<(u16, &'static Text)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next()?;
    let weight = match parts.next() {
        None => 1000,
        Some(parameter) => {
            let (name, value) = parameter.split_once('=')?;
            weight(value.trim()).filter(|_| name.trim().eq_ignore_ascii_case("q"))?
        }
    };
    let text = if tag == "*" { ENGLISH } else { by_tag(tag)? };
    (weight > 0).then_some((weight, text))
}

/// RFC 9110 section 12.4.2: `0` to `1` with up to three decimals, in thousandths.
fn weight(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{decimals:0<3}").parse().ok().filter(|_| digits)?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn browsers_get_what_they_prefer() {
        for (header, tag) in [
            ("", "en"),
            ("de", "de"),
            ("de-CH, en;q=0.8", "de"),
            ("DE-ch;q=0.5, FR-be;q=0.9", "fr"),
            ("en;q=0.7, pl", "pl"),
            ("sv, fi;q=0.9, nl;q=0.2, en;q=0.1", "nl"),
            ("zh-TW,zh;q=0.9", "zh"),
            ("zh-Hans-CN", "zh"),
            ("ar-EG,ar;q=0.9,en-US;q=0.8", "ar"),
            ("pt-BR", "pt"),
            ("*", "en"),
            ("sv, *;q=0.5", "en"),
            ("de;q=0, it;q=0.001", "it"),
            ("de;q=0", "en"),
            ("es ; q = 0.5 , it ; q = 1.000", "it"),
            // Equal weights: the first.
            ("fr, de", "fr"),
        ] {
            assert_eq!(negotiate(header).tag, tag, "{header:?}");
        }
    }

    #[test]
    fn what_is_badly_written_does_not_count() {
        for header in [
            "de;q=",
            "de;q=2",
            "de;q=1.001",
            "de;q=0.1234",
            "de;q=-1",
            "de;x=1",
            "de;q",
            ";;,,=",
            "d",
        ] {
            assert_eq!(negotiate(header).tag, "en", "{header:?}");
        }
        let late = format!("{}de", "xx,".repeat(NAMED));
        assert_eq!(negotiate(&late).tag, "en");
    }

    proptest! {
        #[test]
        fn any_header_has_an_answer(header in "[a-z0-9;q=., *\\-é]{0,80}") {
            prop_assert!(LANGUAGES.iter().any(|text| text.tag == negotiate(&header).tag));
        }
    }
}
