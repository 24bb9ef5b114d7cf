//! The cases of `tests/radius/policy.txt`, held against this program and against FreeRADIUS.

#[path = "support/skip.rs"]
mod skip;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hotspotd::policy::dictionary::{AUTH_TYPE, Attribute, CLEARTEXT_PASSWORD};
use hotspotd::policy::{Group, List, Operator, Pair, Pairs, Row, User, Value, authorize};
use rusqlite::{Connection, params};

const PASSWORD: &str = "secret";

#[derive(Debug, Default)]
struct Case {
    name: String,
    ask: Vec<String>,
    check: Vec<String>,
    reply: Vec<String>,
    groups: Vec<(String, Vec<String>, Vec<String>)>,
    stranger: bool,
    row: bool,
    refused: bool,
    differs: bool,
    accept: bool,
    with: Vec<String>,
}

impl Case {
    /// The check rows, the password's included.
    fn checks(&self) -> Vec<String> {
        let password = format!("Cleartext-Password := {PASSWORD}");
        let own = (!self.stranger).then_some(password);
        own.into_iter().chain(self.check.iter().cloned()).collect()
    }
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/radius/policy.txt");
    let mut cases: Vec<Case> = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.to_owned();
        if word == "case" {
            cases.push(Case { name: rest, ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a case comes first");
        match word {
            "ask" => case.ask.push(rest),
            "check" => case.check.push(rest),
            "reply" => case.reply.push(rest),
            "group" => case.groups.push((rest, Vec::new(), Vec::new())),
            "gcheck" => case.groups.last_mut().unwrap().1.push(rest),
            "greply" => case.groups.last_mut().unwrap().2.push(rest),
            "answer" => case.accept = rest == "accept",
            "with" => case.with.push(rest),
            "stranger" => case.stranger = true,
            "row" => case.row = true,
            "differs" => case.differs = true,
            "refused" => case.refused = true,
            _ => panic!("what is {word:?}?"),
        }
    }
    assert!(cases.len() > 90, "only {} cases were found", cases.len());
    cases
}

/// A row's words, as they stand in the database.
fn words(row: &str) -> (&str, &str, &str) {
    let mut words = row.splitn(3, ' ');
    (words.next().unwrap(), words.next().unwrap(), words.next().unwrap())
}

fn rows(list: List, texts: &[String]) -> Result<Vec<Row>, String> {
    let parse = |text: &String| {
        let (attribute, operator, value) = words(text);
        Row::parse(list, attribute, operator, value)
    };
    texts.iter().map(parse).collect()
}

fn user(case: &Case, checks: &[String]) -> Result<User, String> {
    let groups = case.groups.iter().map(|(name, check, reply)| {
        let (check, reply) = (rows(List::Check, check)?, rows(List::Reply, reply)?);
        Ok(Group { name: name.clone(), check, reply })
    });
    Ok(User {
        check: rows(List::Check, checks)?,
        reply: rows(List::Reply, &case.reply)?,
        groups: groups.collect::<Result<_, String>>()?,
    })
}

/// The request as it comes from the wire, read from the lines that radclient is given.
fn request(case: &Case) -> Pairs {
    let pair = |line: &String| {
        let (name, _, value) = words(line);
        let (name, tag) = name.split_once(':').unwrap_or((name, "0"));
        let attribute = Attribute::named(name).unwrap();
        let text = Value::Text(value.trim_matches('"').replace("\\\"", "\""));
        let plain = Value::parse(attribute, value);
        let value = if value.starts_with('"') { text } else { plain.unwrap() };
        Pair { attribute, tag: tag.parse().unwrap(), value }
    };
    Pairs(case.ask.iter().map(pair).collect())
}

/// Whether they are let in, and with what, in radclient's words.
fn decide(user: &User, request: &Pairs, known: Pairs) -> (bool, Vec<String>) {
    let authorized = authorize(user, request, known);
    let accept = match authorized.control.integer(AUTH_TYPE) {
        Some(254) => true,
        Some(4) => false,
        _ => authorized.control.text(CLEARTEXT_PASSWORD) == Some(PASSWORD),
    };
    let reply = authorized.reply.iter().map(show).collect();
    (accept, if accept { reply } else { Vec::new() })
}

fn show(pair: &Pair) -> String {
    let name = pair.attribute.name();
    let name = if pair.tag == 0 { name.to_owned() } else { format!("{name}:{}", pair.tag) };
    match &pair.value {
        Value::Text(text) => format!("{name} = {text:?}"),
        value => format!("{name} = {}", value.print(pair.attribute)),
    }
}

#[test]
fn rows_come_to_what_the_cases_say() {
    for case in cases() {
        let expected = (case.accept, case.with.clone());
        match user(&case, &case.checks()) {
            Err(reason) => assert!(case.refused, "{}: {reason}", case.name),
            Ok(user) => {
                assert!(!case.refused, "{}: such rows should be refused", case.name);
                let decided = decide(&user, &request(&case), Pairs::default());
                assert_eq!(decided, expected, "{}", case.name);
            }
        }
    }
}

#[test]
fn a_voucher_s_password_is_as_good_as_a_row() {
    let plain = |case: &Case| !case.stranger && !case.row && !case.refused;
    for case in cases().into_iter().filter(plain) {
        let mut known = Pairs::default();
        known.push(CLEARTEXT_PASSWORD, Value::Text(PASSWORD.to_owned()));
        let user = user(&case, &case.check).unwrap();
        let decided = decide(&user, &request(&case), known);
        assert_eq!(decided, (case.accept, case.with), "{}", case.name);
    }
}

#[test]
fn no_row_replaces_a_voucher_s_password_or_adds_to_it() {
    for operator in [Operator::Set, Operator::Append, Operator::Prepend] {
        let mut known = Pairs::default();
        known.push(CLEARTEXT_PASSWORD, Value::Text(PASSWORD.to_owned()));
        let row = Row {
            attribute: CLEARTEXT_PASSWORD,
            tag: 0,
            operator,
            value: Value::Text("other".to_owned()),
        };
        let group = Group { name: "staff".into(), check: vec![row.clone()], reply: Vec::new() };
        let user = User { check: vec![row], reply: Vec::new(), groups: vec![group] };
        let authorized = authorize(&user, &Pairs::default(), known.clone());
        assert_eq!(authorized.control, known);
    }
}

/// FreeRADIUS, for as long as the test runs.
struct FreeRadius {
    child: Child,
    port: u16,
    directory: PathBuf,
}

impl Drop for FreeRadius {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

const SQL: &str = "/etc/freeradius/3.0/mods-config/sql/main/sqlite";

fn configuration(directory: &Path, port: u16) -> String {
    let here = directory.display();
    format!(
        r#"
name = policy
libdir = /usr/lib/freeradius
raddbdir = {here}
run_dir = {here}
pidfile = {here}/pid
max_requests = 1024
security {{ reject_delay = 0 }}
client local {{
 ipaddr = 127.0.0.1
 secret = xyzzy
}}
thread pool {{
 start_servers = 1
 max_servers = 1
}}
instantiate {{
 expr
}}
modules {{
 expr {{ }}
 pap {{ }}
 sql {{
  dialect = "sqlite"
  driver = "rlm_sql_sqlite"
  sqlite {{ filename = "{here}/rows" }}
  authcheck_table = "radcheck"
  authreply_table = "radreply"
  groupcheck_table = "radgroupcheck"
  groupreply_table = "radgroupreply"
  usergroup_table = "radusergroup"
  acct_table1 = "radacct"
  acct_table2 = "radacct"
  postauth_table = "radpostauth"
  client_table = "nas"
  read_groups = yes
  group_attribute = "SQL-Group"
  pool {{
   start = 1
   min = 1
   max = 1
  }}
  $INCLUDE {SQL}/queries.conf
 }}
}}
server default {{
 listen {{
  type = auth
  ipaddr = 127.0.0.1
  port = {port}
 }}
 authorize {{
  sql
  pap
 }}
 authenticate {{
  pap
 }}
}}
"#
    )
}

fn fill(path: &Path, cases: &[Case]) {
    let rows = Connection::open(path).unwrap();
    rows.execute_batch(&fs::read_to_string(format!("{SQL}/schema.sql")).unwrap()).unwrap();
    let insert = |table: &str, column: &str, whose: &str, texts: &[String]| {
        for text in texts {
            let (attribute, operator, value) = words(text);
            let statement =
                format!("INSERT INTO {table} ({column}, attribute, op, value) VALUES (?, ?, ?, ?)");
            rows.execute(&statement, params![whose, attribute, operator, value]).unwrap();
        }
    };
    for (number, case) in cases.iter().enumerate() {
        let name = format!("case{number}");
        insert("radcheck", "username", &name, &case.checks());
        insert("radreply", "username", &name, &case.reply);
        for (priority, (group, check, reply)) in case.groups.iter().enumerate() {
            let group = format!("{name}-{group}");
            insert("radgroupcheck", "groupname", &group, check);
            insert("radgroupreply", "groupname", &group, reply);
            let statement =
                "INSERT INTO radusergroup (username, groupname, priority) VALUES (?, ?, ?)";
            rows.execute(statement, params![name, group, priority as i64]).unwrap();
        }
    }
}

impl FreeRadius {
    fn start(cases: &[Case]) -> Self {
        let directory = std::env::temp_dir().join(format!("policy-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fill(&directory.join("rows"), cases);
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(directory.join("radiusd.conf"), configuration(&directory, port)).unwrap();
        let child = Command::new("freeradius")
            .args(["-fxx", "-l", "stdout", "-D", "/usr/share/freeradius", "-d"])
            .arg(&directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self { child, port, directory };
        let mut lines = BufReader::new(server.child.stdout.take().unwrap()).lines();
        let mut seen = Vec::new();
        while !seen.last().is_some_and(|line: &String| line.contains("Ready to process")) {
            let line = lines.next().unwrap_or_else(|| panic!("no start:\n{}", seen.join("\n")));
            seen.push(line.unwrap());
        }
        // What is not read would fill the pipe and hold the server up.
        let log = std::env::var_os("POLICY_LOG").map(|path| fs::File::create(path).unwrap());
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(mut log) = log.as_ref() {
                    let _ = writeln!(log, "{line}");
                }
            }
        });
        server
    }

    fn answer(&self, name: &str, ask: &[String]) -> (bool, Vec<String>) {
        let mut client = Command::new("radclient")
            .args(["-x", "-r", "2", "-t", "10", "-D", "/usr/share/freeradius"])
            .args([&format!("127.0.0.1:{}", self.port), "auth", "xyzzy"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = vec![format!("User-Name = {name}"), format!("User-Password = {PASSWORD}")];
        lines.extend(ask.iter().cloned());
        lines.push("Message-Authenticator = 0x00".into());
        client.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
        let output = String::from_utf8(client.wait_with_output().unwrap().stdout).unwrap();
        let (_, received) = output
            .split_once("Received ")
            .unwrap_or_else(|| panic!("{name} was not answered: {output}"));
        let accept = received.starts_with("Access-Accept");
        let reply = received.lines().skip(1).map_while(|line| line.strip_prefix('\t'));
        let reply = reply.filter(|line| !line.starts_with("Message-Authenticator"));
        let reply = if accept { reply.map(str::to_owned).collect() } else { Vec::new() };
        (accept, reply)
    }
}

#[test]
fn freeradius_says_the_same() {
    let readable = fs::File::open(format!("{SQL}/queries.conf")).is_ok();
    let installed = ["freeradius", "radclient"]
        .iter()
        .all(|program| Command::new(program).arg("-v").output().is_ok());
    if !readable || !installed {
        return skip::skipped("FreeRADIUS is not installed, or its configuration not readable");
    }
    let cases = cases();
    let server = FreeRadius::start(&cases);
    let mut differences = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let answer = server.answer(&format!("case{number}"), &case.ask);
        if answer != (case.accept != case.differs, case.with.clone()) {
            differences.push(format!("case{number} {}: {answer:?}", case.name));
        }
    }
    assert!(differences.is_empty(), "FreeRADIUS says otherwise:\n{}", differences.join("\n"));
}
