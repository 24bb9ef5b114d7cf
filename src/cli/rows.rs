//! What each list shows in which column.

use std::time::Duration;

use super::table::Row;
use crate::listing::units::data;
use crate::listing::{CreatedRow, HostRow, LoginRow, SessionRow, VoucherRow, duration};

impl Row for CreatedRow {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "username",
        "passcode",
        "fullname",
        "valid_for",
        "valid_from",
        "download_limit",
        "upload_limit",
    ];

    fn cells(&self) -> Vec<String> {
        let row = self.clone();
        vec![
            row.id.to_string(),
            row.username,
            row.passcode,
            row.fullname,
            row.valid_for,
            row.valid_from,
            row.download_limit,
            row.upload_limit,
        ]
    }
}

impl Row for VoucherRow {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "username",
        "passcode",
        "fullname",
        "valid_for",
        "valid_from",
        "first_login",
        "last_login",
        "MAC",
        "download_limit",
        "upload_limit",
    ];

    fn cells(&self) -> Vec<String> {
        let row = self.clone();
        vec![
            row.id.to_string(),
            row.username,
            row.password,
            row.fullname,
            row.valid_for,
            row.valid_from,
            row.first_login.unwrap_or_default(),
            row.last_login.unwrap_or_default(),
            row.mac.unwrap_or_default(),
            row.download_limit.to_string(),
            row.upload_limit.to_string(),
        ]
    }
}

impl Row for LoginRow {
    const COLUMNS: &'static [&'static str] =
        &["id", "created_at", "type", "login", "MAC", "address", "success", "reason", "times"];

    fn cells(&self) -> Vec<String> {
        let row = self.clone();
        vec![
            row.id.to_string(),
            row.created_at,
            row.method,
            row.login,
            row.mac.unwrap_or_default(),
            row.address.unwrap_or_default(),
            yes_or_no(row.success == 1),
            row.reason.unwrap_or_default(),
            row.times.to_string(),
        ]
    }
}

impl Row for HostRow {
    const COLUMNS: &'static [&'static str] = &[
        "mac-address",
        "address",
        "host-name",
        "server",
        "uptime",
        "idle-time",
        "bytes-out",
        "bytes-in",
        "authorized",
        "bypassed",
    ];

    const TABLE: &'static [&'static str] =
        &["MAC", "address", "host_name", "network", "uptime", "idle", "down", "up", "signed_in"];

    fn cells(&self) -> Vec<String> {
        let row = self.clone();
        vec![
            row.mac_address,
            row.address,
            row.host_name,
            row.server,
            row.uptime,
            row.idle_time,
            row.bytes_out,
            row.bytes_in,
            row.authorized,
            row.bypassed,
        ]
    }

    fn table_cells(&self) -> Vec<String> {
        let row = self.clone();
        let data = |octets: &str| octets.parse().map_or_else(|_| octets.to_owned(), data);
        vec![
            row.mac_address,
            row.address,
            row.host_name,
            row.server,
            row.uptime,
            row.idle_time,
            data(&row.bytes_out),
            data(&row.bytes_in),
            yes_or_no(row.authorized == "true"),
        ]
    }
}

impl Row for SessionRow {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "login",
        "MAC",
        "host_name",
        "network",
        "address",
        "started_at",
        "uptime",
        "idle_time",
        "download",
        "upload",
        "time_left",
        "download_left",
        "upload_left",
        "trouble",
    ];

    const TABLE: &'static [&'static str] = &[
        "id",
        "login",
        "MAC",
        "host_name",
        "network",
        "address",
        "uptime",
        "idle",
        "down",
        "up",
        "left",
        "trouble",
    ];

    fn cells(&self) -> Vec<String> {
        let row = self.clone();
        let number = |number: Option<u64>| number.map(|it| it.to_string()).unwrap_or_default();
        vec![
            row.id.to_string(),
            row.login,
            row.mac.unwrap_or_default(),
            row.host_name.unwrap_or_default(),
            row.network,
            row.address.unwrap_or_default(),
            row.started_at,
            row.uptime.to_string(),
            row.idle_time.to_string(),
            row.download.to_string(),
            row.upload.to_string(),
            number(row.time_left),
            number(row.download_left),
            number(row.upload_left),
            row.trouble.unwrap_or_default(),
        ]
    }

    fn table_cells(&self) -> Vec<String> {
        let row = self.clone();
        let length = |seconds| duration(Duration::from_secs(seconds));
        vec![
            row.id.to_string(),
            row.login,
            row.mac.or(row.calling_station).unwrap_or_else(|| "-".to_owned()),
            row.host_name.unwrap_or_default(),
            row.network,
            row.address.unwrap_or_default(),
            length(row.uptime),
            length(row.idle_time),
            data(row.download),
            data(row.upload),
            left(row.time_left.map(length), row.download_left, row.upload_left),
            row.trouble.unwrap_or_default(),
        ]
    }
}

fn yes_or_no(it: bool) -> String {
    if it { "yes" } else { "no" }.to_owned()
}

fn left(time: Option<String>, download: Option<u64>, upload: Option<u64>) -> String {
    let part = |left: Option<u64>, way| left.map(|left| format!("{} {way}", data(left)));
    let parts = [time, part(download, "down"), part(upload, "up")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "unlimited".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::table::{Format, Printer};

    fn printed<R: Row>(format: Format, row: &R) -> String {
        let mut bytes = Vec::new();
        let mut printer = Printer::new::<R>(&mut bytes, format);
        printer.row(row).unwrap();
        printer.finish().unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn session() -> SessionRow {
        SessionRow {
            id: 7,
            login: "room12".into(),
            mac: Some("02:00:00:00:77:11".into()),
            calling_station: None,
            host_name: Some("phone".into()),
            network: "guest".into(),
            address: Some("192.168.77.101".into()),
            started_at: "2026-11-21 23:45:24".into(),
            uptime: 9 * 3600 + 12 * 60 + 45,
            idle_time: 3,
            download: 1_056_738_924,
            upload: 87_456_321,
            time_left: Some(53_235),
            download_left: Some(17_002_900),
            upload_left: None,
            trouble: None,
        }
    }

    #[test]
    fn a_session_is_for_people_in_a_table_and_for_programs_elsewhere() {
        assert_eq!(
            printed(Format::Table, &session()),
            "id  login   MAC                host_name  network  address         uptime    idle  down     up     left                   trouble\n\
             7   room12  02:00:00:00:77:11  phone      guest    192.168.77.101  9h12m45s  3s    1007 MB  83 MB  14h47m15s, 16 MB down\n"
        );
        let csv = printed(Format::Csv, &session());
        let row = "7,room12,02:00:00:00:77:11,phone,guest,192.168.77.101,2026-11-21 23:45:24,33165,3,\
                   1056738924,87456321,53235,17002900,,\r\n";
        assert_eq!(csv.split_once("\r\n").unwrap().1, row);
        let rows: Vec<SessionRow> =
            serde_json::from_str(&printed(Format::Json, &session())).unwrap();
        assert_eq!(rows, [session()]);
    }

    #[test]
    fn what_an_access_point_reports_is_no_formula() {
        let row = SessionRow {
            login: "=HYPERLINK(1)".into(),
            host_name: Some("@phone".into()),
            trouble: Some("-1+1".into()),
            ..session()
        };
        let csv = printed(Format::Csv, &row);
        assert!(csv.contains("7,'=HYPERLINK(1),02:00:00:00:77:11,'@phone,guest,"), "{csv}");
        assert!(csv.ends_with(",'-1+1\r\n"), "{csv}");
    }

    #[test]
    fn what_has_no_end_is_called_so() {
        let row = SessionRow { time_left: None, download_left: None, ..session() };
        assert!(printed(Format::Table, &row).ends_with("83 MB  unlimited\n"));
        assert!(printed(Format::Csv, &row).ends_with(",87456321,,,,\r\n"));
        assert_eq!(left(None, Some(0), Some(1 << 30)), "0 B down, 1.0 GB up");
    }

    #[test]
    fn what_a_stranger_has_typed_is_no_formula_and_no_terminal_sequence() {
        let row = LoginRow {
            id: 1,
            method: "voucher".into(),
            login: "=1+\u{1b}[2J\u{2067}1".into(),
            mac: None,
            address: None,
            created_at: "2026-11-21 23:45:24".into(),
            success: 0,
            reason: None,
            times: 1,
        };
        assert!(printed(Format::Csv, &row).contains(",'=1+"));
        assert!(printed(Format::Table, &row).contains("  =1+\u{fffd}[2J\u{fffd}1"));
        assert!(printed(Format::Json, &row).contains(r#""login":"=1+\u001b[2J"#));
    }
}
