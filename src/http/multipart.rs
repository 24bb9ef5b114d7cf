//! `multipart/form-data` (RFC 7578), as `curl -F` and PHP's curl with an array send a form. Fields
//! only: no parameter is a file.

/// Fields of a form at most: more than any call has parameters.
const FIELDS: usize = 64;
/// Characters of a boundary at most (RFC 2046 section 5.1.1).
const BOUNDARY: usize = 70;

/// A field: its name, and what it holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    /// `None` for a file.
    pub(super) value: Option<&'a [u8]>,
}

/// The boundary that a Content-Type names; `None` where it is another type or names none.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    let is_form = kind.trim().eq_ignore_ascii_case("multipart/form-data");
    let boundary = is_form.then(|| parameter(parameters, "boundary")).flatten()?;
    (1..=BOUNDARY).contains(&boundary.len()).then_some(boundary)
}

/// The fields of a body; `None` where it is not whole or misshapen.
pub(super) fn fields<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Field<'a>>> {
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    // The first delimiter may stand at the very beginning.
    let mut rest = match body.strip_prefix(delimiter.get(2..)?) {
        Some(rest) => rest,
        None => split_once(body, &delimiter)?.1,
    };
    let mut fields = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(fields);
        }
        let (padding, after) = split_once(rest, b"\r\n")?;
        let (part, next) = split_once(after, &delimiter)?;
        let is_padding = padding.iter().all(|octet| matches!(octet, b' ' | b'\t'));
        if !is_padding || fields.len() == FIELDS {
            return None;
        }
        fields.push(field(part)?);
        rest = next;
    }
}

fn field(part: &[u8]) -> Option<Field<'_>> {
    let (headers, value) = split_once(part, b"\r\n\r\n")?;
    let mut lines = std::str::from_utf8(headers).ok()?.split("\r\n");
    let disposition = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (kind, parameters) = disposition.split_once(';')?;
    let is_field = kind.trim().eq_ignore_ascii_case("form-data");
    let name = is_field.then(|| parameter(parameters, "name")).flatten()?;
    let is_file = parameter(parameters, "filename").is_some();
    Some(Field { name, value: (!is_file).then_some(value) })
}

/// A parameter of a header, with or without quotes. Backslashes in quotes stay: no name has them.
fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = parameters;
    loop {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if key.trim_matches([' ', '\t', ';']).eq_ignore_ascii_case(name) {
            return Some(value.trim_end());
        }
        rest = next;
    }
}

fn split_once<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(separator.len()).position(|window| window == separator)?;
    Some((bytes.get(..at)?, bytes.get(at + separator.len()..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(body: &[u8], boundary: &str) -> Option<Vec<(String, Option<Vec<u8>>)>> {
        let fields = fields(body, boundary)?.into_iter();
        Some(fields.map(|it| (it.name.to_owned(), it.value.map(<[u8]>::to_vec))).collect())
    }

    #[test]
    fn boundaries_are_read_as_clients_write_them() {
        for (header, expected) in [
            ("multipart/form-data; boundary=----x1", Some("----x1")),
            ("Multipart/Form-Data;charset=utf-8; Boundary=\"a b\"; x=y", Some("a b")),
            ("multipart/form-data; boundary=x;charset=utf-8", Some("x")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/mixed; boundary=x", None),
            ("application/json", None),
        ] {
            assert_eq!(boundary(header), expected, "{header}");
        }
    }

    #[test]
    fn a_form_as_curl_sends_it_is_read_and_a_file_is_told_apart() {
        let body = b"preamble\r\n--b \t\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\n\
            create_voucher\r\n--b\r\ncontent-disposition: form-data; name=text; filename=\"f\"\r\n\
            Content-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; \
            name=\"empty\"\r\n\r\n\r\n--b--\r\nepilogue";
        let expected = [
            ("action".to_owned(), Some(b"create_voucher".to_vec())),
            ("text".to_owned(), None),
            ("empty".to_owned(), Some(Vec::new())),
        ];
        assert_eq!(shown(body, "b").unwrap(), expected);
        assert_eq!(shown(b"--b--", "b"), Some(Vec::new()));
        for end in 0..body.len() - 12 {
            assert_eq!(shown(&body[..end], "b"), None, "{end}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            fields in prop::collection::vec(("[a-z-]{1,9}", "[^\u{0}]{0,40}"), 0..FIELDS)
        ) {
            let mut body = Vec::new();
            for (name, value) in &fields {
                body.extend(format!("--0.~9\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
            }
            body.extend(b"--0.~9--\r\n");
            prop_assume!(fields.iter().all(|(_, value)| !value.contains("\r\n--0.~9")));
            let expected: Vec<_> =
                fields.into_iter().map(|(name, value)| (name, Some(value.into_bytes()))).collect();
            prop_assert_eq!(shown(&body, "0.~9"), Some(expected));
        }

        #[test]
        fn any_body_is_survived(body: Vec<u8>, boundary in "[a-z]{1,2}") {
            let _ = fields(&body, &boundary);
        }
    }
}
