//! FreeRADIUS with a configuration of its own, in a directory and on ports of its own: the anchor
//! that our answers are held against, and the proxy in front of us.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::mschap::hex;
use super::peers::{Ports, SECRET, free_ports, installed};
use super::rows::{Line, rows};
use super::support::{Scratch, until};

/// A running FreeRADIUS.
pub struct FreeRadius {
    pub ports: Ports,
    scratch: Scratch,
    child: Child,
}

impl FreeRadius {
    /// With these users and groups in its database; `None`, and says why, where there is none.
    pub fn with(table: &str) -> Option<Self> {
        Self::start(|directory, ports| {
            fs::write(directory.join("schema.sql"), schema(table)).unwrap();
            format!("{}{}", basics(directory), server(directory, ports))
        })
    }

    /// One that asks another server, and knows nothing by itself.
    pub fn proxy_for(home: Ports) -> Option<Self> {
        Self::start(|directory, ports| format!("{}{}", basics(directory), proxy(ports, home)))
    }

    fn start(configuration: impl FnOnce(&Path, Ports) -> String) -> Option<Self> {
        if !installed("freeradius") {
            return None;
        }
        let scratch = Scratch::new();
        let ports = free_ports();
        let directory = scratch.path();
        // It wants a line for every item and every closing brace.
        let text = configuration(directory, ports).replace("{ ", "{\n").replace(" }", "\n}");
        fs::write(directory.join("radiusd.conf"), text).unwrap();
        let dictionary = "$INCLUDE /usr/share/freeradius/dictionary\n";
        fs::write(directory.join("dictionary"), dictionary).unwrap();
        let log = fs::File::create(directory.join("log")).unwrap();
        let child = Command::new("freeradius")
            .args(["-f", "-x", "-l", "stdout", "-n", "radiusd", "-d"])
            .arg(directory)
            // As our daemon is started: days begin and hours are counted in it.
            .env("TZ", "UTC0")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Self { ports, scratch, child };
        let ready = until(|| {
            assert!(server.child.try_wait().unwrap().is_none(), "it ended");
            server.log().contains("Ready to process requests")
        });
        assert!(ready, "it never got ready");
        Some(server)
    }

    fn log(&self) -> String {
        let bytes = fs::read(self.scratch.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for FreeRadius {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("log of FreeRADIUS:\n{}", self.log());
        }
    }
}

fn basics(directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "prefix = /usr\nlibdir = /usr/lib/freeradius\nraddbdir = {directory}\n\
         logdir = {directory}\nrun_dir = {directory}\npidfile = {directory}/pid\n\
         max_request_time = 30\ncleanup_delay = 5\nmax_requests = 20000\n\
         log {{ destination = stdout }}\n\
         security {{ max_attributes = 200\n reject_delay = 1\n status_server = yes }}\n\
         thread pool {{ start_servers = 1\n max_servers = 1\n min_spare_servers = 1\n\
         max_spare_servers = 1\n max_requests_per_server = 0 }}\n\
         client loopback {{ ipaddr = 127.0.0.0/8\n secret = {SECRET}\n\
         require_message_authenticator = no }}\n"
    )
}

fn listeners(ports: Ports) -> String {
    let (auth, acct) = (ports.auth.port(), ports.acct.port());
    format!(
        "listen {{ type = auth\n ipaddr = 127.0.0.1\n port = {auth} }}\n\
         listen {{ type = acct\n ipaddr = 127.0.0.1\n port = {acct} }}\n"
    )
}

/// Proxies everything, as a provider does that has a server for each house.
fn proxy(ports: Ports, home: Ports) -> String {
    let listeners = listeners(ports);
    let server = |name: &str, kind: &str, port: u16| {
        format!(
            "home_server {name} {{ type = {kind}\n ipaddr = 127.0.0.1\n port = {port}\n\
             secret = {SECRET}\n response_window = 6\n status_check = status-server\n\
             require_message_authenticator = yes }}\n\
             home_server_pool {name} {{ type = fail-over\n home_server = {name} }}\n"
        )
    };
    let auth = server("home_auth", "auth", home.auth.port());
    let acct = server("home_acct", "acct", home.acct.port());
    format!(
        "proxy server {{ default_fallback = no }}\n{auth}{acct}\
         realm house {{ auth_pool = home_auth\n acct_pool = home_acct\n nostrip }}\n\
         modules {{ always ok {{ rcode = ok }}\n }}\n\
         server default {{\n{listeners}\
         authorize {{ update control {{ &Proxy-To-Realm := house }} }}\n\
         preacct {{ update control {{ &Proxy-To-Realm := house }} }}\n\
         accounting {{ ok }}\n }}\n"
    )
}

/// What a hotspot has, as the manual recommends it; its stock SQLite queries do not work as they
/// stand (counters compare text with NULL), so these are written out.
fn server(directory: &Path, ports: Ports) -> String {
    let listeners = listeners(ports);
    let sql = sql(directory);
    format!(
        "modules {{\n always ok {{ rcode = ok }}\n expr {{ }}\n pap {{ }}\n chap {{ }}\n mschap {{ }}\n expiration {{ }}\n\
         logintime {{ minimum_timeout = 60 }}\n{sql}\
         sqlcounter daily {{\n sql_module_instance = sql\n dialect = sqlite\n\
         counter_name = Daily-Session-Time\n check_name = Max-Daily-Session\n\
         reply_name = Session-Timeout\n key = User-Name\n reset = daily\n\
         query = \"SELECT SUM(acctsessiontime) FROM radacct WHERE username = '%{{${{key}}}}' \
         AND acctstart > %%b\" }}\n}}\n\
         server default {{\n{listeners}\
         authorize {{ chap\n mschap\n sql\n expiration\n logintime\n daily\n pap }}\n\
         authenticate {{ Auth-Type PAP {{ pap }}\n Auth-Type CHAP {{ chap }}\n\
         Auth-Type MS-CHAP {{ mschap }} }}\n\
         preacct {{ ok }}\n accounting {{ sql }}\n session {{ sql }}\n }}\n"
    )
}

fn sql(directory: &Path) -> String {
    let directory = directory.display();
    let rows = |table: &str, column: &str, value: &str| {
        format!(
            "\"SELECT id, {column}, attribute, value, op FROM {table} WHERE {column} = '{value}' \
             ORDER BY id\"\n"
        )
    };
    let user = "%{SQL-User-Name}";
    let group = "%{SQL-Group}";
    let open = format!("FROM radacct WHERE username = '{user}' AND acctstop IS NULL");
    let mine = "WHERE acctsessionid = '%{Acct-Session-Id}' AND nas = '%{NAS-IP-Address}'";
    format!(
        "sql {{\n driver = rlm_sql_sqlite\n dialect = sqlite\n\
         sqlite {{ filename = {directory}/db\n bootstrap = {directory}/schema.sql }}\n\
         acct_table1 = radacct\n acct_table2 = radacct\n postauth_table = radpostauth\n\
         authcheck_table = radcheck\n authreply_table = radreply\n\
         groupcheck_table = radgroupcheck\n groupreply_table = radgroupreply\n\
         usergroup_table = radusergroup\n group_attribute = SQL-Group\n read_groups = yes\n\
         pool {{ start = 1\n min = 1\n max = 1\n spare = 0\n uses = 0\n lifetime = 0\n\
         idle_timeout = 0 }}\n\
         sql_user_name = \"%{{User-Name}}\"\n\
         authorize_check_query = {}authorize_reply_query = {}\
         authorize_group_check_query = {}authorize_group_reply_query = {}\
         group_membership_query = \"SELECT groupname FROM radusergroup WHERE username = '{user}' \
         ORDER BY priority\"\n\
         simul_count_query = \"SELECT COUNT(*) {open}\"\n\
         accounting {{ reference = \"%{{tolower:type.%{{Acct-Status-Type}}.query}}\"\n type {{\n\
         start {{ query = \"INSERT INTO radacct VALUES ('%{{Acct-Session-Id}}', \
         '%{{NAS-IP-Address}}', '{user}', %l, NULL, 0)\" }}\n\
         interim-update {{ query = \"UPDATE radacct SET acctsessiontime = \
         '%{{Acct-Session-Time}}' {mine}\" }}\n\
         stop {{ query = \"UPDATE radacct SET acctsessiontime = '%{{Acct-Session-Time}}', \
         acctstop = %l {mine}\" }}\n\
         accounting-on {{ query = \"UPDATE radacct SET acctstop = %l WHERE acctstop IS NULL AND \
         nas = '%{{NAS-IP-Address}}'\" }}\n\
         accounting-off {{ query = \"${{..accounting-on.query}}\" }}\n }} }}\n }}\n",
        rows("radcheck", "username", user),
        rows("radreply", "username", user),
        rows("radgroupcheck", "groupname", group),
        rows("radgroupreply", "groupname", group),
    )
}

fn schema(table: &str) -> String {
    let mut text = String::new();
    for (name, column) in [
        ("radcheck", "username"),
        ("radreply", "username"),
        ("radgroupcheck", "groupname"),
        ("radgroupreply", "groupname"),
    ] {
        let columns = format!("id INTEGER PRIMARY KEY, {column}, attribute, op, value");
        writeln!(text, "CREATE TABLE {name} ({columns});").unwrap();
    }
    text.push_str("CREATE TABLE radusergroup (username, groupname, priority INTEGER);\n");
    text.push_str(
        "CREATE TABLE radacct (acctsessionid, nas, username, acctstart INTEGER, \
         acctstop INTEGER, acctsessiontime INTEGER);\n",
    );
    for line in rows(table) {
        match line {
            Line::Row { of, name, attribute, operator, value } => {
                let table = of.table();
                // Its bootstrap takes ASCII only, whatever it says.
                let value = hex(value.as_bytes());
                writeln!(
                    text,
                    "INSERT INTO {table} VALUES (NULL, '{name}', '{attribute}', '{operator}', \
                     CAST(x'{value}' AS TEXT));"
                )
            }
            Line::Member { name, group, priority } => {
                writeln!(text, "INSERT INTO radusergroup VALUES ('{name}', '{group}', {priority});")
            }
        }
        .unwrap();
    }
    text
}
