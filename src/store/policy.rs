//! FreeRADIUS's five tables: `radcheck`, `radreply`, `radgroupcheck`, `radgroupreply` and
//! `radusergroup`. Users are searched by the folded form of their names, groups exactly.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};
use crate::domain::list::{Entry, Page};
use crate::domain::rule::{GroupName, GroupSummary, Line, Membership, Rules, Subject, UserSummary};
use crate::domain::voucher::Username;
use crate::policy::{Group, List, Row, User};

/// Rows kept in mind as told of; whoever has bent more of them knows.
const TOLD: usize = 256;

/// A table of rows, and the column that says whose they are.
#[derive(Clone, Copy)]
struct Table {
    name: &'static str,
    key: &'static str,
}

const RADCHECK: Table = Table { name: "radcheck", key: "username_folded" };
const RADREPLY: Table = Table { name: "radreply", key: "username_folded" };
const RADGROUPCHECK: Table = Table { name: "radgroupcheck", key: "groupname" };
const RADGROUPREPLY: Table = Table { name: "radgroupreply", key: "groupname" };

/// Everything of a user at once: one statement costs a login a third of what three do. Each part
/// comes in the order of its index, which is that of the ids.
const OF_USER: &str = "
    SELECT 0, id, attribute, op, value FROM radcheck WHERE username_folded = ?1
    UNION ALL SELECT 1, id, attribute, op, value FROM radreply WHERE username_folded = ?1
    UNION ALL SELECT 4, id, groupname, '', priority FROM radusergroup WHERE username_folded = ?1";
/// Everything of a group at once.
const OF_GROUP: &str = "
    SELECT 2, id, attribute, op, value FROM radgroupcheck WHERE groupname = ?1
    UNION ALL SELECT 3, id, attribute, op, value FROM radgroupreply WHERE groupname = ?1";

/// Rows that make sense, and groups as priority, id and name.
#[derive(Default)]
struct Found {
    check: Vec<Row>,
    reply: Vec<Row>,
    groups: Vec<(i64, i64, String)>,
}

fn table(subject: &Subject, list: List) -> Table {
    match (subject, list) {
        (Subject::User(_), List::Check) => RADCHECK,
        (Subject::User(_), List::Reply) => RADREPLY,
        (Subject::Group(_), List::Check) => RADGROUPCHECK,
        (Subject::Group(_), List::Reply) => RADGROUPREPLY,
    }
}

fn key(subject: &Subject) -> String {
    match subject {
        Subject::User(username) => username.folded(),
        Subject::Group(group) => group.as_str().to_owned(),
    }
}

impl Store {
    /// What is written down of a user, for a login: nothing, where nothing is. Rows that make no
    /// sense (any more) are left out and logged once.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn policy_of(&self, username: &Username) -> Result<User, StoreError> {
        let mut found = self.find(OF_USER, &username.folded())?;
        found.groups.sort();
        let groups = found.groups.into_iter().map(|(_, _, name)| {
            let Found { check, reply, .. } = self.find(OF_GROUP, &name)?;
            Ok(Group { name, check, reply })
        });
        let groups = groups.collect::<Result<_, StoreError>>()?;
        Ok(User { check: found.check, reply: found.reply, groups })
    }

    fn find(&self, sql: &str, key: &str) -> Result<Found, StoreError> {
        let mut found = Found::default();
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([key])?;
        while let Some(row) = rows.next()? {
            let (table, list) = match row.get(0)? {
                0 => ("radcheck", List::Check),
                1 => ("radreply", List::Reply),
                2 => ("radgroupcheck", List::Check),
                3 => ("radgroupreply", List::Reply),
                _ => {
                    found.groups.push((row.get(4)?, row.get(1)?, row.get(2)?));
                    continue;
                }
            };
            let line = Line { attribute: row.get(2)?, operator: row.get(3)?, value: row.get(4)? };
            let rows = if list == List::Check { &mut found.check } else { &mut found.reply };
            match Row::parse(list, &line.attribute, &line.operator, &line.value) {
                Ok(row) => rows.push(row),
                Err(why) => self.leave_out(table, row.get(1)?, key, &line, &why),
            }
        }
        Ok(found)
    }

    fn leave_out(&self, table: &'static str, id: i64, whose: &str, line: &Line, why: &str) {
        let mut told = self.told.borrow_mut();
        if told.len() < TOLD && told.insert((table, id)) {
            let why = if line.is_secret() { "its value cannot be read" } else { why };
            log::warn!("{table}: row {id} of {whose} ({}) is left out: {why}", line.attribute);
        }
    }

    /// The rows of a user or a group, as they are written down.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn rules(&self, subject: &Subject) -> Result<Rules, StoreError> {
        let key = key(subject);
        Ok(Rules {
            check: self.lines(table(subject, List::Check), &key)?,
            reply: self.lines(table(subject, List::Reply), &key)?,
        })
    }

    fn lines(&self, table: Table, key: &str) -> Result<Vec<Entry<Line>>, StoreError> {
        let Table { name, key: column } = table;
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT id, attribute, op, value FROM {name} WHERE {column} = ?1 ORDER BY id"
        ))?;
        let lines = statement.query_map([key], |row| {
            let value = Line { attribute: row.get(1)?, operator: row.get(2)?, value: row.get(3)? };
            Ok(Entry { id: row.get(0)?, value })
        })?;
        Ok(lines.collect::<Result<_, _>>()?)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn insert_rule(
        &self,
        subject: &Subject,
        list: List,
        line: &Line,
    ) -> Result<(), StoreError> {
        let table = table(subject, list).name;
        let Line { attribute, operator, value } = line;
        match subject {
            Subject::User(username) => self.connection.execute(
                &format!(
                    "INSERT INTO {table} (username, username_folded, attribute, op, value)
                     VALUES (?1, ?2, ?3, ?4, ?5)"
                ),
                params![username.as_str(), username.folded(), attribute, operator, value],
            )?,
            Subject::Group(group) => self.connection.execute(
                &format!(
                    "INSERT INTO {table} (groupname, attribute, op, value)
                     VALUES (?1, ?2, ?3, ?4)"
                ),
                params![group.as_str(), attribute, operator, value],
            )?,
        };
        Ok(())
    }

    /// Gives a row another value; it keeps its place.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn update_rule(
        &self,
        subject: &Subject,
        list: List,
        id: i64,
        value: &str,
    ) -> Result<(), StoreError> {
        let table = table(subject, list).name;
        let sql = format!("UPDATE {table} SET value = ?2 WHERE id = ?1");
        self.connection.execute(&sql, params![id, value])?;
        Ok(())
    }

    /// Removes a row.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn remove_rule(&self, subject: &Subject, list: List, id: i64) -> Result<(), StoreError> {
        let table = table(subject, list).name;
        self.connection.execute(&format!("DELETE FROM {table} WHERE id = ?1"), [id])?;
        Ok(())
    }

    /// Removes everything of a user or a group, memberships as well; gives how many rows and how
    /// many memberships there were.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn remove_subject(&self, subject: &Subject) -> Result<(usize, usize), StoreError> {
        let key = key(subject);
        let delete = |Table { name, key: column }| {
            self.connection.execute(&format!("DELETE FROM {name} WHERE {column} = ?1"), [&key])
        };
        let check = delete(table(subject, List::Check))?;
        let reply = delete(table(subject, List::Reply))?;
        let column = match subject {
            Subject::User(_) => {
                // Another one of this name begins anew.
                self.connection.execute("DELETE FROM account WHERE login_folded = ?1", [&key])?;
                "username_folded"
            }
            Subject::Group(_) => "groupname",
        };
        Ok((check + reply, delete(Table { name: "radusergroup", key: column })?))
    }

    /// The groups of a user, in the order in which they apply.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn groups(&self, username: &Username) -> Result<Vec<Membership>, StoreError> {
        self.groups_of(&username.folded())
    }

    fn groups_of(&self, folded: &str) -> Result<Vec<Membership>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT groupname, priority FROM radusergroup WHERE username_folded = ?1
             ORDER BY priority, id",
        )?;
        let groups = statement.query_map([folded], |row| {
            Ok(Membership { name: row.get(0)?, priority: row.get(1)? })
        })?;
        Ok(groups.collect::<Result<_, _>>()?)
    }

    /// Members of a group, in the order in which they joined.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn members(
        &self,
        group: &GroupName,
        page: Page,
    ) -> Result<Vec<Entry<Membership>>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT id, username, priority FROM radusergroup
             WHERE groupname = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        )?;
        let members =
            statement.query_map(params![group.as_str(), page.after, page.limit], |row| {
                let value = Membership { name: row.get(1)?, priority: row.get(2)? };
                Ok(Entry { id: row.get(0)?, value })
            })?;
        Ok(members.collect::<Result<_, _>>()?)
    }

    /// Puts a user into a group, or changes the priority there.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn join(
        &self,
        username: &Username,
        group: &GroupName,
        priority: i64,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO radusergroup (username, username_folded, groupname, priority)
             VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (username_folded, groupname) DO UPDATE SET priority = excluded.priority",
            params![username.as_str(), username.folded(), group.as_str(), priority],
        )?;
        Ok(())
    }

    /// Takes a user out of a group. False where they were not in it.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn leave(&self, username: &Username, group: &GroupName) -> Result<bool, StoreError> {
        let sql = "DELETE FROM radusergroup WHERE username_folded = ?1 AND groupname = ?2";
        Ok(self.connection.execute(sql, params![username.folded(), group.as_str()])? > 0)
    }

    /// Users in the order of their folded names: up to `limit` after `after`, which is itself
    /// folded and empty for the first page.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn users(&self, after: &str, limit: u32) -> Result<Vec<UserSummary>, StoreError> {
        let mut statement = self.connection.prepare(
            "WITH name (folded) AS (
                 SELECT username_folded FROM radcheck WHERE username_folded > ?1
                 UNION SELECT username_folded FROM radreply WHERE username_folded > ?1
                 UNION SELECT username_folded FROM radusergroup WHERE username_folded > ?1
                 ORDER BY 1 LIMIT ?2)
             SELECT folded,
                 coalesce((SELECT username FROM radcheck WHERE username_folded = folded LIMIT 1),
                     (SELECT username FROM radreply WHERE username_folded = folded LIMIT 1),
                     (SELECT username FROM radusergroup WHERE username_folded = folded LIMIT 1)),
                 (SELECT count(*) FROM radcheck WHERE username_folded = folded),
                 (SELECT count(*) FROM radreply WHERE username_folded = folded),
                 EXISTS (SELECT 1 FROM voucher
                     WHERE organisation = 1 AND voucher.username_folded = folded
                         AND (batch IS NULL OR batch NOT IN (SELECT id FROM open_batch)))
             FROM name ORDER BY folded",
        )?;
        let users = statement.query_map(params![after, limit], |row| {
            let (groups, folded) = (Vec::new(), row.get(0)?);
            let (username, check, reply) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(UserSummary { username, folded, groups, check, reply, voucher: row.get(4)? })
        })?;
        let mut users: Vec<UserSummary> = users.collect::<Result<_, _>>()?;
        for user in &mut users {
            user.groups = self.groups_of(&user.folded)?.into_iter().map(|it| it.name).collect();
        }
        Ok(users)
    }

    /// Groups in the order of their names: up to `limit` after `after`, which is empty for the
    /// first page.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn group_list(&self, after: &str, limit: u32) -> Result<Vec<GroupSummary>, StoreError> {
        let mut statement = self.connection.prepare(
            "WITH name (name) AS (
                 SELECT groupname FROM radgroupcheck WHERE groupname > ?1
                 UNION SELECT groupname FROM radgroupreply WHERE groupname > ?1
                 UNION SELECT groupname FROM radusergroup WHERE groupname > ?1
                 ORDER BY 1 LIMIT ?2)
             SELECT name,
                 (SELECT count(*) FROM radusergroup WHERE groupname = name),
                 (SELECT count(*) FROM radgroupcheck WHERE groupname = name),
                 (SELECT count(*) FROM radgroupreply WHERE groupname = name)
             FROM name ORDER BY name",
        )?;
        let groups = statement.query_map(params![after, limit], |row| {
            let (name, members) = (row.get(0)?, row.get(1)?);
            Ok(GroupSummary { name, members, check: row.get(2)?, reply: row.get(3)? })
        })?;
        Ok(groups.collect::<Result<_, _>>()?)
    }

    /// Whether a user or a group has rows or memberships; of a user, a voucher of that name will do.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn is_known(&self, subject: &Subject) -> Result<bool, StoreError> {
        let sql = match subject {
            Subject::User(_) => {
                "SELECT 1 FROM radcheck WHERE username_folded = ?1
                 UNION ALL SELECT 1 FROM radreply WHERE username_folded = ?1
                 UNION ALL SELECT 1 FROM radusergroup WHERE username_folded = ?1
                 UNION ALL SELECT 1 FROM voucher WHERE organisation = 1 AND username_folded = ?1
                     AND (batch IS NULL OR batch NOT IN (SELECT id FROM open_batch))
                 LIMIT 1"
            }
            Subject::Group(_) => {
                "SELECT 1 FROM radgroupcheck WHERE groupname = ?1
                 UNION ALL SELECT 1 FROM radgroupreply WHERE groupname = ?1
                 UNION ALL SELECT 1 FROM radusergroup WHERE groupname = ?1
                 LIMIT 1"
            }
        };
        Ok(self.connection.query_row(sql, [key(subject)], |_| Ok(())).optional()?.is_some())
    }
}
