//! RADIUS clients: in a list, and one at length.

use std::io::{self, Write};
use std::time::Duration;

use super::client::{Client, Failure};
use super::table::Row;
use crate::control::{Ask, Tell};
use crate::listing::{ClientRow, duration};

impl Row for ClientRow {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "address",
        "vendor",
        "heard",
        "requests",
        "accepted",
        "rejected",
        "accounting",
        "status",
        "duplicates",
        "dropped",
        "disconnected",
        "refused",
        "silent",
        "changed",
        "unchanged",
        "trouble",
        "trouble_from",
        "trouble_ago",
        "advice",
        "view_point",
    ];

    const TABLE: &'static [&'static str] = &[
        "name",
        "address",
        "vendor",
        "heard",
        "accepted",
        "rejected",
        "accounting",
        "dropped",
        "why",
    ];

    fn cells(&self) -> Vec<String> {
        let row = self.clone();
        let number = |number: Option<u64>| number.map(|it| it.to_string()).unwrap_or_default();
        vec![
            row.name.unwrap_or_default(),
            row.address,
            row.vendor.unwrap_or_default(),
            number(row.heard),
            row.requests.to_string(),
            row.accepted.to_string(),
            row.rejected.to_string(),
            row.accounting.to_string(),
            row.status.to_string(),
            row.duplicates.to_string(),
            self.dropped_in_all().to_string(),
            row.disconnected.to_string(),
            row.refused.to_string(),
            row.silent.to_string(),
            row.changed.to_string(),
            row.unchanged.to_string(),
            row.trouble.unwrap_or_default(),
            row.trouble_from.unwrap_or_default(),
            number(row.trouble_ago),
            row.advice.unwrap_or_default(),
            row.view_point.unwrap_or_default(),
        ]
    }

    fn table_cells(&self) -> Vec<String> {
        let row = self.clone();
        let dash = || "-".to_owned();
        vec![
            row.name.unwrap_or_else(dash),
            row.address,
            row.vendor.unwrap_or_else(dash),
            heard(row.heard),
            row.accepted.to_string(),
            row.rejected.to_string(),
            row.accounting.to_string(),
            self.dropped_in_all().to_string(),
            trouble(self),
        ]
    }
}

fn heard(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), ago)
}

fn ago(seconds: u64) -> String {
    format!("{} ago", duration(Duration::from_secs(seconds)))
}

/// What was wrong last: when, and at which address where the section has many.
fn trouble(row: &ClientRow) -> String {
    let Some(trouble) = &row.trouble else { return String::new() };
    let from = row.trouble_from.as_ref().filter(|from| **from != row.address);
    let from = from.map(|from| format!(" at {from}")).unwrap_or_default();
    let ago = row.trouble_ago.map(|seconds| format!(", {}", ago(seconds))).unwrap_or_default();
    format!("{trouble}{from}{ago}")
}

/// `client show NAME`; whoever has no section goes by the address.
pub(super) fn show(mut client: Client, name: &str) -> Result<(), Failure> {
    client.ask(&Ask::Clients)?;
    let mut found = None;
    while let Some(tell) = client.next()? {
        match tell {
            Tell::Client(row) if row.name.as_deref().unwrap_or(&row.address) == name => {
                found = Some(row);
            }
            _ => {}
        }
    }
    let missing =
        || Failure::Refused(format!("there is no client '{name}'; see 'hotspotd client list'"));
    let text = at_length(&found.ok_or_else(missing)?);
    io::stdout().write_all(text.as_bytes()).map_err(Failure::Output)
}

fn at_length(row: &ClientRow) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: &str| text.push_str(&format!("{what:<20}{value}\n"));
    line("name", row.name.as_deref().unwrap_or("-"));
    line("address", &row.address);
    line("vendor", row.vendor.as_deref().unwrap_or("-"));
    line("octets counted from", row.view_point.as_deref().unwrap_or("-"));
    line("heard", &heard(row.heard));
    for (what, count) in [
        ("requests", row.requests),
        ("accepted", row.accepted),
        ("rejected", row.rejected),
        ("accounting", row.accounting),
        ("status", row.status),
        ("duplicates", row.duplicates),
        ("sessions ended", row.disconnected),
        ("refused to end", row.refused),
        ("orders unanswered", row.silent),
        ("changes made", row.changed),
        ("changes not made", row.unchanged),
        ("dropped", row.dropped_in_all()),
    ] {
        line(what, &count.to_string());
    }
    for (why, count) in &row.dropped {
        line("", &format!("{count} {why}"));
    }
    if row.trouble.is_some() {
        line("last trouble", &trouble(row));
    }
    if let Some(advice) = &row.advice {
        line("what to do", advice);
    }
    row.notes.iter().for_each(|note| line("note", note));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> ClientRow {
        ClientRow {
            name: Some("lobby".into()),
            address: "192.168.1.0/24".into(),
            vendor: Some("mikrotik".into()),
            view_point: Some("the access point's, as in RFC 2866".into()),
            heard: Some(3),
            requests: 20,
            accepted: 9,
            rejected: 2,
            accounting: 4,
            status: 0,
            duplicates: 1,
            disconnected: 1,
            refused: 0,
            silent: 0,
            changed: 0,
            unchanged: 0,
            dropped: [("wrong shared secret".to_owned(), 3), ("too busy".to_owned(), 1)].into(),
            trouble: Some("wrong shared secret".into()),
            trouble_from: Some("192.168.1.7".into()),
            trouble_ago: Some(65),
            advice: Some("set both to the same".into()),
            notes: vec!["mind this".into()],
        }
    }

    #[test]
    fn what_is_wrong_stands_at_the_end_of_the_line() {
        let cells = row().table_cells();
        let told = "lobby|192.168.1.0/24|mikrotik|3s ago|9|2|4|4|\
                    wrong shared secret at 192.168.1.7, 1m05s ago";
        assert_eq!(cells.join("|"), told);
        let alone = ClientRow { address: "192.168.1.7".into(), ..row() };
        assert_eq!(alone.table_cells().pop().unwrap(), "wrong shared secret, 1m05s ago");
        let fine = ClientRow { trouble: None, heard: None, ..row() };
        assert_eq!((fine.table_cells()[3].as_str(), fine.table_cells()[8].as_str()), ("never", ""));
    }

    #[test]
    fn every_column_has_a_cell() {
        assert_eq!(row().cells().len(), ClientRow::COLUMNS.len());
        assert_eq!(row().table_cells().len(), ClientRow::TABLE.len());
    }

    #[test]
    fn at_length_every_reason_has_a_line() {
        let text = at_length(&row());
        for line in [
            "name                lobby\n",
            "dropped             4\n                    1 too busy\n                    3 wrong shared secret\n",
            "what to do          set both to the same\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in {text}");
        }
    }
}
