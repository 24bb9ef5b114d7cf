//! The parameters that describe a voucher, the same on every surface: `/api/`, the command line.

use super::params::{NotText, Params};
use crate::domain::validity::ValidFor;
use crate::domain::voucher::{DataLimit, FullName, Passcode, Username, VoucherRequest};
use crate::domain::zone::{LocalTime, Zone};

/// Reads a voucher request.
///
/// # Errors
/// Which parameter is wrong and why, without its value.
pub fn voucher_request(params: &Params, zone: &Zone) -> Result<VoucherRequest, String> {
    let valid_for = |text: &str| match text.trim() {
        "" => Ok(None),
        text => text.parse::<ValidFor>().map(Some),
    };
    let valid_from = |text: &str| match text.trim() {
        "" => Ok(None),
        text => text.parse::<LocalTime>().map(|local| Some(zone.instant(local))),
    };
    Ok(VoucherRequest {
        username: optional(params, "username", Username::parse)?,
        passcode: optional(params, "passcode", Passcode::parse)?,
        fullname: optional(params, "fullname", FullName::parse)?,
        valid_for: optional(params, "valid_for", valid_for)?,
        valid_from: optional(params, "valid_from", valid_from)?,
        download_limit: limit(params, "download_limit")?,
        upload_limit: limit(params, "upload_limit")?,
    })
}

/// A parameter read by `parse`; the error names the parameter.
pub(super) fn optional<T, E: std::fmt::Display>(
    params: &Params,
    name: &str,
    parse: impl FnOnce(&str) -> Result<Option<T>, E>,
) -> Result<Option<T>, String> {
    match params.text(name) {
        Ok(None) => Ok(None),
        Ok(Some(text)) => parse(text).map_err(|error| format!("{name}: {error}")),
        Err(NotText) => Err(format!("{name}: must be a text")),
    }
}

/// "If unset or out of bounds, the user traffic will be unlimited": also where it is no number.
fn limit(params: &Params, name: &str) -> Result<DataLimit, String> {
    let text = params.text(name).map_err(|NotText| format!("{name}: must be a number"))?;
    let megabytes = text.and_then(|text| text.trim().parse::<f64>().ok()).unwrap_or(0.0);
    // Saturates, and NaN becomes 0: out of bounds either way.
    Ok(DataLimit::from_megabytes(megabytes as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::params::{from_body, from_query};

    fn limit_of(query: &str) -> u32 {
        limit(&from_query(query), "download_limit").unwrap().megabytes()
    }

    #[test]
    fn limits_out_of_bounds_are_unlimited() {
        for (value, megabytes) in [
            ("1", 1),
            ("1024", 1024),
            ("9437184", 9_437_184),
            ("%201024%20", 1024),
            ("1024.9", 1024),
            ("0", 0),
            ("-1", 0),
            ("0.5", 0),
            ("9437185", 0),
            ("1e300", 0),
            ("-1e300", 0),
            ("NaN", 0),
            ("inf", 0),
            ("", 0),
            ("many", 0),
            ("99999999999999999999", 0),
        ] {
            assert_eq!(limit_of(&format!("download_limit={value}")), megabytes, "{value:?}");
        }
        assert_eq!(limit_of(""), 0);
    }

    #[test]
    fn empty_parameters_are_left_to_the_hotspot() {
        let params =
            from_query("username=&passcode=+&fullname=&valid_for=&valid_from=&upload_limit=");
        let request = voucher_request(&params, &Zone::utc()).unwrap();
        assert!(request.username.is_none() && request.passcode.is_none());
        assert!(request.fullname.is_none() && request.valid_for.is_none());
        assert!(request.valid_from.is_none());
    }

    #[test]
    fn the_reason_names_the_parameter_and_hides_its_value() {
        for body in [
            r#"{"username":["x"]}"#,
            r#"{"username":"a\u0000b"}"#,
            r#"{"passcode":"a\nb"}"#,
            r#"{"passcode":{}}"#,
            r#"{"valid_for":"24 hours"}"#,
            r#"{"valid_for":true}"#,
            r#"{"valid_from":"tomorrow"}"#,
            r#"{"download_limit":[1]}"#,
        ] {
            let params = from_body(body.as_bytes()).unwrap();
            let reason = voucher_request(&params, &Zone::utc()).unwrap_err();
            let name = body.split('"').nth(1).unwrap();
            assert!(reason.starts_with(&format!("{name}: ")), "{reason}");
            assert!(!reason.contains("tomorrow"), "{reason}");
        }
    }
}
