//! The peer: FreeRADIUS 3 with `rlm_sql_sqlite`, as Debian has it.
//!
//! Its configuration is written here and has no more modules than the work needs. What counts for
//! speed is as shipped: the queries (with one repair), the schema, the thread and connection pools,
//! SQLite's rollback journal and a busy timeout of 200 ms.
//!
//! The repair: the shipped `simul_verify_query` for SQLite compares the user name with a group's
//! name, so that Simultaneous-Use never rejects anybody. Here it compares with the user name.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::packet::{SECRET, User};
use super::{free_ports, load};
use crate::daemon::Disk;

/// Where Debian keeps it.
const CONFIGURATION: &str = "/etc/freeradius/3.0";
const MODULE: &str = "/usr/lib/freeradius/rlm_sql_sqlite.so";
/// It does not take this long to start unless it hangs.
const HANG: Duration = Duration::from_secs(30);

/// Its threads, each with a connection to the database.
const SHIPPED_THREADS: &str =
    "start_servers = 5\nmax_servers = 32\nmin_spare_servers = 3\nmax_spare_servers = 10";
const TUNED_THREADS: &str =
    "start_servers = 1\nmax_servers = 1\nmin_spare_servers = 1\nmax_spare_servers = 1";

/// What it does with its database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// As shipped: the user's and their groups' rows, the session check, a row for each login.
    Shipped,
    /// The same with a write-ahead log, ten seconds of patience with locks, and one thread.
    Tuned,
    /// As shipped, but it only reads the user's and their groups' rows: no session check, and
    /// nothing is written.
    Reading,
}

/// A server that goes away at the end.
pub struct FreeRadius {
    child: Child,
    pub auth: SocketAddr,
    pub acct: SocketAddr,
}

/// Why it cannot be run here.
pub fn missing() -> Option<String> {
    let version = Command::new("freeradius").arg("-v").output();
    if version.map_or(true, |output| !output.status.success()) {
        return Some("there is no freeradius here (Debian: apt install freeradius)".to_owned());
    }
    let needed = [shipped("queries.conf"), shipped("schema.sql"), MODULE.into()];
    let file = needed.iter().find(|file| fs::File::open(file).is_err())?;
    Some(format!("{} is missing or not to be read by us", file.display()))
}

/// As it names itself.
pub fn version() -> String {
    let output = Command::new("freeradius").arg("-v").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("FreeRADIUS Version "));
    line.unwrap_or("of unknown version").to_owned()
}

impl FreeRadius {
    /// Running, with these users.
    pub fn start(disk: &Disk, name: &str, habit: Habit, users: &[User]) -> Self {
        let directory = disk.path().join(name);
        fs::create_dir(&directory).unwrap();
        fill(&directory.join("radius.db"), habit, users);
        fs::write(directory.join("queries.conf"), queries()).unwrap();
        let (auth, acct) = free_ports();
        let text = configuration(&directory, habit, auth, acct);
        fs::write(directory.join("radiusd.conf"), text).unwrap();
        let said = fs::File::create(directory.join("said")).unwrap();
        let mut command = Command::new("freeradius");
        command.args(["-f", "-n", "radiusd", "-d"]).arg(&directory);
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        let server = Self { child: command.spawn().unwrap(), auth, acct };
        assert!(load::wait_for(auth, HANG), "freeradius: {}", said_by(&directory));
        server
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for FreeRadius {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said_by(directory: &Path) -> String {
    let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap_or_default();
    format!("{}{}", read("said"), read("log"))
}

fn shipped(file: &str) -> PathBuf {
    Path::new(CONFIGURATION).join("mods-config/sql/main/sqlite").join(file)
}

/// The shipped queries, repaired.
fn queries() -> String {
    let wrong = "WHERE username = '%{${group_attribute}}'";
    let right = "WHERE username = '%{SQL-User-Name}'";
    fs::read_to_string(shipped("queries.conf")).unwrap().replace(wrong, right)
}

/// Everybody is in one group, which allows one session at a time.
fn fill(file: &Path, habit: Habit, users: &[User]) {
    let mut database = Connection::open(file).unwrap();
    if habit == Habit::Tuned {
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
    }
    database.execute_batch(&fs::read_to_string(shipped("schema.sql")).unwrap()).unwrap();
    let transaction = database.transaction().unwrap();
    transaction
        .execute_batch(
            "INSERT INTO radgroupcheck (groupname, attribute, op, value)
                 VALUES ('guests', 'Simultaneous-Use', ':=', '1');
             INSERT INTO radgroupreply (groupname, attribute, op, value)
                 VALUES ('guests', 'Session-Timeout', ':=', '86400'),
                        ('guests', 'Idle-Timeout', ':=', '900'),
                        ('guests', 'Acct-Interim-Interval', ':=', '300');",
        )
        .unwrap();
    let mut check = transaction
        .prepare(
            "INSERT INTO radcheck (username, attribute, op, value)
             VALUES (?1, 'Cleartext-Password', ':=', ?2)",
        )
        .unwrap();
    let mut group = transaction
        .prepare("INSERT INTO radusergroup (username, groupname) VALUES (?1, 'guests')")
        .unwrap();
    for user in users {
        check.execute(params![user.name, user.password]).unwrap();
        group.execute([&user.name]).unwrap();
    }
    drop((check, group));
    transaction.commit().unwrap();
}

fn configuration(directory: &Path, habit: Habit, auth: SocketAddr, acct: SocketAddr) -> String {
    let (auth, acct) = (auth.port(), acct.port());
    let directory = directory.display();
    let busy_timeout = if habit == Habit::Tuned { 10_000 } else { 200 };
    let threads = if habit == Habit::Tuned { TUNED_THREADS } else { SHIPPED_THREADS };
    let (session, post_auth) = if habit == Habit::Reading { ("", "") } else { ("sql", "sql") };
    format!(
        r#"
prefix = /usr
name = radiusd
raddbdir = {directory}
logdir = {directory}
run_dir = {directory}
libdir = /usr/lib/freeradius
pidfile = {directory}/pid
max_request_time = 30
cleanup_delay = 5
max_requests = 16384
hostname_lookups = no
proxy_requests = no
log {{
	destination = files
	file = {directory}/log
	auth = no
}}
security {{
	max_attributes = 200
	reject_delay = 1
	status_server = yes
}}
thread pool {{
{threads}
}}
client bench {{
	ipaddr = 127.0.0.1
	secret = "{SECRET}"
}}
modules {{
	expr {{
	}}
	pap {{
	}}
	chap {{
	}}
	expiration {{
	}}
	logintime {{
	}}
	sql {{
		dialect = "sqlite"
		driver = "rlm_sql_sqlite"
		sqlite {{
			filename = "{directory}/radius.db"
			busy_timeout = {busy_timeout}
		}}
		radius_db = "radius"
		acct_table1 = "radacct"
		acct_table2 = "radacct"
		postauth_table = "radpostauth"
		authcheck_table = "radcheck"
		groupcheck_table = "radgroupcheck"
		authreply_table = "radreply"
		groupreply_table = "radgroupreply"
		usergroup_table = "radusergroup"
		delete_stale_sessions = yes
		pool {{
			start = ${{thread[pool].start_servers}}
			min = ${{thread[pool].min_spare_servers}}
			max = ${{thread[pool].max_servers}}
			spare = ${{thread[pool].max_spare_servers}}
			uses = 0
			retry_delay = 30
			lifetime = 0
			idle_timeout = 60
		}}
		client_table = "nas"
		group_attribute = "SQL-Group"
		$INCLUDE {directory}/queries.conf
	}}
}}
policy {{
	$INCLUDE {CONFIGURATION}/policy.d/accounting
}}
server default {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {auth}
	}}
	listen {{
		type = acct
		ipaddr = 127.0.0.1
		port = {acct}
	}}
	authorize {{
		chap
		sql
		expiration
		logintime
		pap
	}}
	authenticate {{
		Auth-Type PAP {{
			pap
		}}
		Auth-Type CHAP {{
			chap
		}}
	}}
	preacct {{
		acct_unique
	}}
	accounting {{
		sql
	}}
	session {{
		{session}
	}}
	post-auth {{
		{post_auth}
	}}
}}
"#
    )
}
