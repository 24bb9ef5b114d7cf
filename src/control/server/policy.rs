//! Answers about users and groups.

use super::{Control, Failure, ROWS, Stream, tell};
use crate::control::{ListName, PolicyAsk, Tell, Who};
use crate::domain::rule::{GroupName, Subject};
use crate::domain::voucher::{Passcode, Username};
use crate::hotspot::policies::{Change, Draft, Question, Refused, Which};
use crate::hotspot::{Fault, Read, Reply, Write};
use crate::listing::policy::{GroupRow, RuleRow, UserRow, parse_rule_id, rule_id};
use crate::policy::List;

impl Control {
    pub(super) async fn policy(&self, ask: PolicyAsk, stream: &mut Stream) -> Result<(), Failure> {
        match ask {
            PolicyAsk::Users => self.users(stream).await,
            PolicyAsk::Groups => self.groups(stream).await,
            PolicyAsk::Show { who, reveal } => self.show(subject(&who)?, reveal, stream).await,
            PolicyAsk::Add { who, list, rows } => {
                self.add(subject(&who)?, list, &rows, stream).await
            }
            PolicyAsk::Unset { who, which } => self.unset(subject(&who)?, &which, stream).await,
            PolicyAsk::Join { username, group, priority } => {
                let (username, group) = (user(&username)?, GroupName::parse(&group)?);
                self.join(username, group, priority, stream).await
            }
            PolicyAsk::Leave { username, group } => {
                let (username, group) = (user(&username)?, GroupName::parse(&group)?);
                self.leave(username, group, stream).await
            }
            PolicyAsk::Remove(who) => self.remove_subject(subject(&who)?, stream).await,
        }
    }

    pub(super) async fn set_password(
        &self,
        username: &str,
        password: &str,
        stream: &mut Stream,
    ) -> Result<(), Failure> {
        let username = user(username)?;
        let passcode = Passcode::parse(password).map_err(|error| format!("password: {error}"))?;
        let passcode = passcode.ok_or("no password was given; nothing was changed")?;
        let draft = Draft::password(passcode.secret())?;
        let name = username.as_str().to_owned();
        let changed = self.change(|reply| Change::SetPassword { username, draft, reply }).await?;
        let text = match changed.map_err(|refused| refused.to_string())? {
            true => format!("{name} has a new password"),
            false => format!("{name} has a password"),
        };
        tell(stream, &Tell::Text(text)).await
    }

    async fn users(&self, stream: &mut Stream) -> Result<(), Failure> {
        let mut after = String::new();
        loop {
            let users = self.question(|reply| Question::Users(after, ROWS, reply)).await?;
            for user in &users {
                tell(stream, &Tell::User(UserRow::from(user))).await?;
            }
            match users.into_iter().next_back() {
                Some(last) => after = last.folded,
                None => return Ok(()),
            }
        }
    }

    async fn groups(&self, stream: &mut Stream) -> Result<(), Failure> {
        let mut after = String::new();
        loop {
            let groups = self.question(|reply| Question::Groups(after, ROWS, reply)).await?;
            for group in &groups {
                tell(stream, &Tell::Group(GroupRow::from(group))).await?;
            }
            match groups.into_iter().next_back() {
                Some(last) => after = last.name,
                None => return Ok(()),
            }
        }
    }

    async fn show(
        &self,
        subject: Subject,
        reveal: bool,
        stream: &mut Stream,
    ) -> Result<(), Failure> {
        let whose = subject.clone();
        let rules = self.question(|reply| Question::Rules(whose, reply)).await?;
        let rules = rules.ok_or_else(|| unknown(&subject))?;
        for (list, entries) in [(List::Check, &rules.check), (List::Reply, &rules.reply)] {
            for entry in entries {
                tell(stream, &Tell::Rule(RuleRow::rule(list, entry, reveal))).await?;
            }
        }
        match subject {
            Subject::User(username) => {
                let groups = self.question(|reply| Question::GroupsOf(username, reply)).await?;
                for group in &groups {
                    tell(stream, &Tell::Rule(RuleRow::group(group))).await?;
                }
                Ok(())
            }
            Subject::Group(group) => {
                let page =
                    |page, reply| Read::Policy(Question::Members(group.clone(), page, reply));
                self.list(stream, page, |it| Tell::Rule(RuleRow::member(&it.value))).await
            }
        }
    }

    async fn add(
        &self,
        subject: Subject,
        list: ListName,
        rows: &[String],
        stream: &mut Stream,
    ) -> Result<(), Failure> {
        let (list, word) = match list {
            ListName::Check => (List::Check, "check row"),
            ListName::Reply => (List::Reply, "reply row"),
        };
        let drafts = rows.iter().map(|row| Draft::parse(list, row));
        let drafts = drafts.collect::<Result<_, _>>().map_err(|why| nothing_of(rows, why))?;
        let name = subject.name().to_owned();
        let added = self.change(|reply| Change::Add { subject, list, drafts, reply }).await?;
        let added = added.map_err(|refused| format!("{name}: {refused}; nothing was added"))?;
        let text = match (added.new, added.replaced) {
            (new, 0) => format!("{name}: {} added", counted(new, word)),
            (0, replaced) => format!("{name}: {} replaced", counted(replaced, word)),
            (new, replaced) => {
                format!("{name}: {} added, {replaced} replaced", counted(new, word))
            }
        };
        tell(stream, &Tell::Text(text)).await
    }

    async fn unset(
        &self,
        subject: Subject,
        which: &[String],
        stream: &mut Stream,
    ) -> Result<(), Failure> {
        let which = which.iter().map(|text| match parse_rule_id(text.trim()) {
            Some((list, id)) => Which::Id(list, id),
            None => Which::Attribute(text.trim().to_owned()),
        });
        let which = which.collect();
        let (name, hint) = (subject.name().to_owned(), show(&subject));
        let removed = self.change(|reply| Change::Unset { subject, which, reply }).await?;
        let removed = removed.map_err(|refused| {
            let missing = match refused {
                Refused::NoSuchRow(Which::Id(list, id)) => rule_id(list, id),
                Refused::NoSuchRow(Which::Attribute(attribute)) => attribute,
                other => return other.to_string(),
            };
            format!(
                "{name} has no row '{missing}'; nothing was removed, {hint} lists what there is"
            )
        })?;
        tell(stream, &Tell::Text(format!("{name}: {} removed", counted(removed, "row")))).await
    }

    async fn join(
        &self,
        username: Username,
        group: GroupName,
        priority: Option<i64>,
        stream: &mut Stream,
    ) -> Result<(), Failure> {
        let (name, place) = (username.as_str().to_owned(), group.as_str().to_owned());
        let joined = self.change(|reply| Change::Join { username, group, priority, reply }).await?;
        let joined = joined.map_err(|refused| format!("{name}: {refused}"))?;
        let text = format!("{name} is in {place} with priority {}", joined.priority);
        tell(stream, &Tell::Text(text)).await?;
        if joined.has_rules {
            return Ok(());
        }
        let hint = format!(
            "{place} has no rows, so it changes nothing yet; 'hotspotd group check' and \
             'hotspotd group reply' give it some"
        );
        tell(stream, &Tell::Hint(hint)).await
    }

    async fn leave(
        &self,
        username: Username,
        group: GroupName,
        stream: &mut Stream,
    ) -> Result<(), Failure> {
        let (name, place) = (username.as_str().to_owned(), group.as_str().to_owned());
        let hint = show(&Subject::User(username.clone()));
        match self.change(|reply| Change::Leave { username, group, reply }).await? {
            true => tell(stream, &Tell::Text(format!("{name} is not in {place} any more"))).await,
            false => Err(format!("{name} is not in {place}; {hint} lists the groups")),
        }
    }

    async fn remove_subject(&self, subject: Subject, stream: &mut Stream) -> Result<(), Failure> {
        let whose = subject.clone();
        let removed = self.change(|reply| Change::Remove { subject: whose, reply }).await?;
        let (rows, memberships) = match (removed, &subject) {
            ((0, 0), _) => return Err(self.nothing_to_remove(&subject).await?),
            ((rows, groups), Subject::User(_)) => (rows, counted(groups, "group")),
            ((rows, members), Subject::Group(_)) => (rows, counted(members, "member")),
        };
        let name = subject.name();
        let text = format!("removed {name} ({}, {memberships})", counted(rows, "row"));
        tell(stream, &Tell::Text(text)).await
    }

    /// A voucher may have the name of a user who has nothing else.
    async fn nothing_to_remove(&self, subject: &Subject) -> Result<Failure, Failure> {
        let whose = subject.clone();
        let known = self.question(|reply| Question::Rules(whose, reply)).await?;
        Ok(known.map_or_else(
            || unknown(subject),
            |_| {
                format!(
                    "{} is a voucher and nothing else; 'hotspotd voucher remove' removes it",
                    subject.name()
                )
            },
        ))
    }

    async fn change<T>(&self, change: impl FnOnce(Reply<T>) -> Change) -> Result<T, Failure> {
        let changed = self.hotspot.write(|reply| Write::Policy(change(reply))).await;
        changed.map_err(|fault: Fault| fault.to_string())
    }

    async fn question<T>(&self, question: impl FnOnce(Reply<T>) -> Question) -> Result<T, Failure> {
        let answer = self.hotspot.read(|reply| Read::Policy(question(reply))).await;
        answer.map_err(|fault: Fault| fault.to_string())
    }
}

fn user(text: &str) -> Result<Username, Failure> {
    let username = Username::parse(text).map_err(|error| format!("username: {error}"))?;
    username.ok_or_else(|| "no username was given".to_owned())
}

fn subject(who: &Who) -> Result<Subject, Failure> {
    Ok(match who {
        Who::User(username) => Subject::User(user(username)?),
        Who::Group(group) => Subject::Group(GroupName::parse(group)?),
    })
}

fn unknown(subject: &Subject) -> Failure {
    let (kind, name) = (kind(subject), subject.name());
    format!("there is no {kind} '{name}'; 'hotspotd {kind} list' lists those there are")
}

fn show(subject: &Subject) -> String {
    format!("'hotspotd {} show {}'", kind(subject), subject.name())
}

fn kind(subject: &Subject) -> &'static str {
    match subject {
        Subject::User(_) => "user",
        Subject::Group(_) => "group",
    }
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn nothing_of(rows: &[String], why: Failure) -> Failure {
    if rows.len() > 1 { format!("{why}; none of the {} rows was added", rows.len()) } else { why }
}
