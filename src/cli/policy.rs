//! Users and groups: what is asked, and what is shown.

use std::path::Path;

use super::client::{Client, Failure};
use super::table::{Format, Row};
use super::{print_rows, prompt, say};
use crate::control::{Ask, PolicyAsk, Tell};
use crate::listing::policy::{GroupRow, RuleRow, UserRow};

/// Asks a question or for a change, and prints the answer.
pub(super) fn ask(ask: PolicyAsk, format: Format, mut client: Client) -> Result<(), Failure> {
    client.ask(&Ask::Policy(ask.clone()))?;
    match ask {
        PolicyAsk::Users => print_rows(client, format, |tell| match tell {
            Tell::User(row) => Some(row),
            _ => None,
        }),
        PolicyAsk::Groups => print_rows(client, format, |tell| match tell {
            Tell::Group(row) => Some(row),
            _ => None,
        }),
        PolicyAsk::Show { .. } => print_rows(client, format, |tell| match tell {
            Tell::Rule(row) => Some(row),
            _ => None,
        }),
        _ => changed(client),
    }
}

fn changed(mut client: Client) -> Result<(), Failure> {
    while let Some(tell) = client.next()? {
        match tell {
            Tell::Text(text) => say(&text)?,
            Tell::Hint(text) => eprintln!("hotspotd: {text}"),
            _ => {}
        }
    }
    Ok(())
}

/// Reads a password from whoever types it or from what is piped in, and sets it.
pub(super) fn set_password(username: String, socket: &Path) -> Result<(), Failure> {
    // Nobody shall type one in vain, and the daemon does not wait for slow fingers.
    drop(Client::connect(socket)?);
    let password = prompt::password(&username)?;
    let mut client = Client::connect(socket)?;
    client.ask(&Ask::SetPassword { username, password })?;
    changed(client)
}

impl Row for UserRow {
    const COLUMNS: &'static [&'static str] = &["username", "groups", "check", "reply", "voucher"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.username.clone(),
            self.groups.join(", "),
            self.check.to_string(),
            self.reply.to_string(),
            if self.voucher { "yes" } else { "no" }.to_owned(),
        ]
    }
}

impl Row for GroupRow {
    const COLUMNS: &'static [&'static str] = &["group", "members", "check", "reply"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            self.members.to_string(),
            self.check.to_string(),
            self.reply.to_string(),
        ]
    }
}

impl Row for RuleRow {
    const COLUMNS: &'static [&'static str] =
        &["id", "list", "attribute", "op", "value", "name", "priority", "ignored"];

    const TABLE: &'static [&'static str] = &["id", "list", "attribute", "op", "value"];

    fn cells(&self) -> Vec<String> {
        let row = self.clone();
        vec![
            row.id.unwrap_or_default(),
            row.list,
            row.attribute.unwrap_or_default(),
            row.op.unwrap_or_default(),
            row.value.unwrap_or_default(),
            row.name.unwrap_or_default(),
            row.priority.map(|it| it.to_string()).unwrap_or_default(),
            row.ignored.unwrap_or_default(),
        ]
    }

    fn table_cells(&self) -> Vec<String> {
        let row = self.clone();
        let mut value = row.value.unwrap_or_default();
        if let Some(why) = row.ignored {
            value.push_str(&format!("  (ignored: {why})"));
        }
        if let Some(priority) = row.priority {
            value = format!("priority {priority}");
        }
        vec![
            row.id.unwrap_or_default(),
            row.list,
            row.attribute.or(row.name).unwrap_or_default(),
            row.op.unwrap_or_default(),
            value,
        ]
    }
}
