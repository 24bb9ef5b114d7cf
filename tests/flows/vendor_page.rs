//! The vendor's page: its examples run as they are printed, and what it promises beyond them.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Answer, Daemon, OPEN_API, compact};

const CREATE: [&str; 2] = [
    r#"POST http://192.168.10.1/api/
Content-Type: application/json
Body:
{
  "api-key": "your-api-key",
  "action": "create_voucher",
  "username": "user123",
  "passcode": "pass123",
  "fullname": "John Doe",
  "valid_for": "1 day",
  "valid_from": "2025-01-17 10:00:00",
  "download_limit": 1024,
  "upload_limit": 512
}"#,
    "GET http://192.168.10.1/api/?api-key=your-api-key&action=create_voucher&username=user123\
     &passcode=pass123&fullname=John%20Doe&valid_for=1%20day&valid_from=2025-01-17%2010:00:00\
     &download_limit=1024&upload_limit=512",
];

const CREATED: &str = r#"{
  "message": "User added successfully",
  "user": {
    "id": 43,
    "username": "user123",
    "passcode": "pass123",
    "fullname": "John Doe",
    "valid_for": "1 day",
    "valid_from": "2025-01-17 10:00:00",
    "download_limit": "1024",
    "upload_limit": "512"
  },
  "error": false
}"#;

const REMOVE: [&str; 2] = [
    r#"POST http://192.168.10.1/api/

Content-Type: application/json
Body:
{
  "api-key": "your-api-key",
  "action": "remove_voucher",
  "username": "user123"
}"#,
    "GET http://192.168.10.1/api/?api-key=your-api-key&action=remove_voucher&username=user123",
];

const REMOVED: &str = r#"{
  "message": "User removed successfully",
  "error": false
}"#;

const VOUCHERS: &str = r#"{
  "users": [
    {
      "id": 45,
      "username": "user1234",
      "password": "pass1234",
      "fullname": "John Doe2",
      "created_at": "2025-02-21 02:31:30",
      "last_modified": "2025-02-21 02:31:30",
      "first_login": null,
      "last_login": null,
      "valid_for": "1 day",
      "valid_from": "2025-01-17 10:00:00",
      "MAC": null,
      "download_limit": 1024,
      "upload_limit": 512
    },
    {
      "id": 46,
      "username": "user12345",
      "password": "pass12345",
      "fullname": "John Doe3",
      "created_at": "2025-02-21 02:32:12",
      "last_modified": "2025-02-21 02:32:12",
      "first_login": null,
      "last_login": null,
      "valid_for": "5 days",
      "valid_from": "2025-01-18 10:00:00",
      "MAC": null,
      "download_limit": 0,
      "upload_limit": 0
    }
  ]
}"#;

const EMAIL_USERS: &str = r#"{
  "users": [
    {
      "id": 1,
      "email": "john.doe@gmail.com",
      "created_at": "2025-01-14 08:38:10",
      "last_login": "2025-01-16 09:41:27",
      "MAC": "98:01:A7:CB:BB:00",
      "visits": 7,
      "comments": "John",
      "comments1": "New York",
      "comments2": "Male",
      "last_modified": "2025-01-16 09:41:27",
      "marketing": 0,
      "verified": 1
    },
    {
      "id": 2,
      "email": "jane.smith@yahoo.com",
      "created_at": "2025-02-01 10:15:30",
      "last_login": "2025-02-05 12:25:43",
      "MAC": "74:D2:46:AC:EE:11",
      "visits": 3,
      "comments": "Jane",
      "comments1": "Los Angeles",
      "comments2": "Female",
      "last_modified": "2025-02-05 12:25:43",
      "marketing": 1,
      "verified": 0
    }
  ]
}"#;

const VISITORS: &str = "
INSERT INTO visitor (kind, identity, name, email, picture, mac, visits, comments, comments1,
    comments2, marketing, verified, created_at, modified_at, last_login)
VALUES
    ('email', 'john.doe@gmail.com', NULL, NULL, NULL, '98:01:A7:CB:BB:00', 7, 'John', 'New York',
     'Male', 0, 1, unixepoch('2025-01-14 08:38:10'), unixepoch('2025-01-16 09:41:27'),
     unixepoch('2025-01-16 09:41:27')),
    ('email', 'jane.smith@yahoo.com', NULL, NULL, NULL, '74:D2:46:AC:EE:11', 3, 'Jane',
     'Los Angeles', 'Female', 1, 0, unixepoch('2025-02-01 10:15:30'),
     unixepoch('2025-02-05 12:25:43'), unixepoch('2025-02-05 12:25:43')),
    ('facebook', '1000', 'Ann', 'ann@example.com', 'https://example.com/a.jpg', NULL, 1, NULL,
     NULL, NULL, 1, 0, 60, 120, 180),
    ('mobile', '15559876543', NULL, NULL, NULL, NULL, 2, 'a', 'b', 'c', 1, 1, 60, 120, NULL),
    ('free', '', NULL, NULL, NULL, '74:D2:46:AC:EE:12', 4, 'x', NULL, NULL, 1, 1, 60, 120, 180);
INSERT INTO login (at, method, login, mac, address, refusal)
VALUES (60, 'voucher', 'room12', '74:D2:46:AC:EE:12', '192.168.0.200', NULL),
    (61, 'email', 'ann@example.com', NULL, NULL, 'Wrong password.');";

/// Runs an example of the page with curl; only host, port and key are other ones.
fn run(daemon: &Daemon, example: &str) -> Answer {
    let example = example.replace("192.168.10.1", &daemon.address.to_string());
    let example = example.replace("your-api-key", &daemon.key);
    let (line, rest) = example.split_once('\n').unwrap_or((&example, ""));
    let answer = match line.split_once(' ') {
        Some(("GET", url)) => daemon.curl(&[url]),
        Some((method, url)) => {
            let (_, body) = rest.split_once("Body:\n").unwrap();
            let json = "Content-Type: application/json";
            daemon.curl(&["-X", method, url, "-H", json, "--data-raw", body])
        }
        None => panic!("{line}"),
    };
    assert_eq!(answer.headers["content-type"], "application/json");
    answer
}

fn list(daemon: &Daemon, action: &str) -> Answer {
    run(daemon, &format!("GET http://192.168.10.1/api/?api-key=your-api-key&action={action}"))
}

/// A stopped daemon whose store holds what these statements put there.
fn with_rows(statements: &str) -> Daemon {
    let mut daemon = Daemon::start();
    daemon.stop();
    change_rows(&daemon, statements);
    daemon
}

fn change_rows(daemon: &Daemon, statements: &str) {
    Connection::open(daemon.database()).unwrap().execute_batch(statements).unwrap();
}

/// The next voucher gets the id behind this one.
fn after_id(id: u32) -> Daemon {
    let sequence = format!("INSERT INTO sqlite_sequence (name, seq) VALUES ('voucher', {id})");
    let mut daemon = with_rows(&sequence);
    daemon.launch();
    daemon
}

#[test]
fn a_voucher_is_created_and_removed_as_printed() {
    for (create, remove) in CREATE.into_iter().zip(REMOVE) {
        let daemon = after_id(42);
        let created = run(&daemon, create);
        assert_eq!((created.status, compact(&created.body)), (200, compact(CREATED)));
        assert_eq!(daemon.vouchers().len(), 1);
        let removed = run(&daemon, remove);
        assert_eq!((removed.status, compact(&removed.body)), (200, compact(REMOVED)));
        assert_eq!(daemon.vouchers().len(), 0);
    }
}

#[test]
fn the_voucher_list_reads_as_printed() {
    let mut daemon = after_id(44);
    for (name, valid_for, day, limits) in
        [("4", "1 day", 17, json!([1024, 512])), ("45", "5 days", 18, json!([0, 0]))]
    {
        let answer = daemon.post(json!({
            "action": "create_voucher",
            "username": format!("user123{name}"), "passcode": format!("pass123{name}"),
            "fullname": if name == "4" { "John Doe2" } else { "John Doe3" },
            "valid_for": valid_for, "valid_from": format!("2025-01-{day} 10:00:00"),
            "download_limit": limits[0], "upload_limit": limits[1],
        }));
        assert_eq!(answer.message(), "User added successfully");
    }
    // All is as in the sample but the moment they were made; that is put into the store.
    daemon.stop();
    change_rows(
        &daemon,
        "UPDATE voucher SET created_at = unixepoch('2025-02-21 02:31:30') WHERE id = 45;
         UPDATE voucher SET created_at = unixepoch('2025-02-21 02:32:12') WHERE id = 46;
         UPDATE voucher SET modified_at = created_at;",
    );
    daemon.launch();
    assert_eq!(list(&daemon, "get_voucher_users").body, compact(VOUCHERS));
}

#[test]
fn the_lists_of_stored_users_have_the_fields_in_the_order_of_the_page_and_the_notes() {
    let mut daemon = with_rows(VISITORS);
    daemon.launch();
    assert_eq!(list(&daemon, "get_email_users").body, compact(EMAIL_USERS));
    let facebook = r#"{"users":[{"id":3,"fb_id":"1000","name":"Ann","email":"ann@example.com",
        "picture":"https://example.com/a.jpg","created_at":"1970-01-01 00:01:00",
        "last_login":"1970-01-01 00:03:00","MAC":null,"visits":1,
        "last_modified":"1970-01-01 00:02:00","marketing":1}]}"#;
    assert_eq!(list(&daemon, "get_fb_users").body, compact(facebook));
    let mobile = r#"{"users":[{"id":4,"mobile":"15559876543","created_at":"1970-01-01 00:01:00",
        "last_login":null,"MAC":null,"visits":2,"comments":"a","comments1":"b","comments2":"c",
        "last_modified":"1970-01-01 00:02:00","marketing":1,"verified":1}]}"#;
    assert_eq!(list(&daemon, "get_mobile_users").body, compact(mobile));
    let free = r#"{"users":[{"id":5,"created_at":"1970-01-01 00:01:00",
        "last_login":"1970-01-01 00:03:00","MAC":"74:D2:46:AC:EE:12","visits":4,"comments":"x",
        "comments1":null,"comments2":null,"last_modified":"1970-01-01 00:02:00"}]}"#;
    assert_eq!(list(&daemon, "get_free_users").body, compact(free));
    let logins = r#"{"logins":[
        {"id":1,"type":"voucher","login":"room12","MAC":"74:D2:46:AC:EE:12",
        "address":"192.168.0.200","created_at":"1970-01-01 00:01:00","success":1,"reason":null},
        {"id":2,"type":"email","login":"ann@example.com","MAC":null,"address":null,
        "created_at":"1970-01-01 00:01:01","success":0,"reason":"Wrong password."}]}"#;
    assert_eq!(list(&daemon, "get_logins").body, compact(logins));
}

/// Every list and what it is of nobody.
const LISTS: [(&str, &str); 8] = [
    ("get_voucher_users", r#"{"users":[]}"#),
    ("get_email_users", r#"{"users":[]}"#),
    ("get_fb_users", r#"{"users":[]}"#),
    ("get_mobile_users", r#"{"users":[]}"#),
    ("get_free_users", r#"{"users":[]}"#),
    ("get_logins", r#"{"logins":[]}"#),
    ("get_guest_hosts", r#"{"data":[]}"#),
    ("get_active_guests", r#"{"data":[]}"#),
];

#[test]
fn lists_of_nobody_are_empty_lists() {
    let daemon = Daemon::start();
    for (action, body) in LISTS {
        assert_eq!(list(&daemon, action).body, body, "{action}");
    }
}

const WAYS: usize = 8;

/// Calls an action by one of the ways: GET, POST of a form, POST of JSON with the type that curl
/// gives to everything, and with the right one; to the address with and without the slash.
fn call(daemon: &Daemon, way: usize, action: &str, username: &str) -> Answer {
    let key = &daemon.key;
    let form = format!("api-key={key}&action={action}&username={username}&valid_for=2+days");
    let json =
        json!({"api-key": key, "action": action, "username": username, "valid_for": "2 days"})
            .to_string();
    let url = format!("http://{}/api{}", daemon.address, if way < 4 { "/" } else { "" });
    match way % 4 {
        0 => daemon.curl(&[&format!("{url}?{form}")]),
        1 => daemon.curl(&[&url, "-d", &form]),
        2 => daemon.curl(&[&url, "-d", &json]),
        _ => daemon.curl(&[&url, "-H", "Content-Type: application/json", "-d", &json]),
    }
}

#[test]
fn lists_are_the_same_by_every_way() {
    let mut daemon = with_rows(VISITORS);
    daemon.launch();
    for (action, _) in LISTS {
        let expected = list(&daemon, action).body;
        assert!(expected.ends_with("]}"), "{action}: {expected}");
        for way in 0..WAYS {
            assert_eq!(call(&daemon, way, action, "").body, expected, "{action}, way {way}");
        }
    }
}

#[test]
fn vouchers_are_made_and_removed_by_every_way() {
    let daemon = Daemon::start();
    for way in 0..WAYS {
        let created = call(&daemon, way, "create_voucher", "jo").json();
        assert_eq!(created["message"], "User added successfully", "way {way}");
        assert_eq!(created["user"]["valid_for"], "2 days", "way {way}");
        let again = call(&daemon, way, "create_voucher", "jo");
        assert_eq!(again.message(), "Username already exists", "way {way}");
        assert_eq!(daemon.vouchers().len(), 1, "way {way}");
        assert_eq!(call(&daemon, way, "remove_voucher", "jo").body, compact(REMOVED), "way {way}");
        let again = call(&daemon, way, "remove_voucher", "jo");
        assert_eq!(again.message(), "Username doesn't exist", "way {way}");
        assert_eq!(daemon.vouchers().len(), 0, "way {way}");
    }
}

fn created(answer: &Answer) -> Value {
    assert_eq!(answer.message(), "User added successfully", "{}", answer.body);
    answer.json()["user"].clone()
}

#[test]
fn what_is_absent_or_empty_is_made_up_and_never_twice_the_same() {
    let daemon = Daemon::start();
    let create = ("action", "create_voucher");
    let absent = created(&daemon.get(&[create]));
    let empty = [("username", ""), ("passcode", ""), ("fullname", ""), ("valid_for", "")];
    let empty = created(&daemon.get(&[&[create], empty.as_slice()].concat()));
    let blank = json!({"action": "create_voucher", "username": " ", "passcode": null});
    let blank = created(&daemon.post(blank));
    for name in ["username", "passcode", "fullname"] {
        let text = |user: &Value| user[name].as_str().unwrap().to_owned();
        let texts = [text(&absent), text(&empty), text(&blank)];
        assert!(texts.iter().all(|text| text.trim().len() >= 6), "{name}: {texts:?}");
        assert!(texts[0] != texts[1] && texts[1] != texts[2] && texts[0] != texts[2], "{texts:?}");
    }
    assert_eq!((&absent["download_limit"], &absent["upload_limit"]), (&json!("0"), &json!("0")));
    assert_eq!(absent["valid_for"], "1 day");
    // Available at once: the moment of creation is what a client sees as valid_from.
    for voucher in daemon.vouchers() {
        assert_eq!(voucher["valid_from"], voucher["created_at"]);
    }
}

#[test]
fn times_are_local_to_the_router() {
    let mut daemon = Daemon::prepared(OPEN_API, "");
    daemon.environment.push(("TZ".into(), "CET-1CEST,M3.5.0,M10.5.0/3".into()));
    daemon.launch();
    let cases = [
        ("winter", "2025-01-17 10:00:00", "2025-01-17 10:00:00", 1_737_104_400),
        ("summer", "2025-07-17T10:00:00", "2025-07-17 10:00:00", 1_752_739_200),
        ("brief", "2025-07-17T10:00", "2025-07-17 10:00:00", 1_752_739_200),
        ("blank", "2018-08-24 00:00", "2018-08-24 00:00:00", 1_535_061_600),
    ];
    for (username, given, shown, _) in cases {
        let fields = [("action", "create_voucher"), ("username", username), ("valid_from", given)];
        assert_eq!(created(&daemon.get(&fields))["valid_from"], shown, "{username}");
    }
    for (row, (_, _, shown, _)) in daemon.vouchers().iter().zip(cases) {
        assert_eq!(row["valid_from"], shown);
    }
    daemon.stop();
    let store = Connection::open(daemon.database()).unwrap();
    for (username, _, _, unix) in cases {
        let sql = "SELECT valid_from FROM voucher WHERE username = ?1";
        let stored: i64 = store.query_row(sql, [username], |row| row.get(0)).unwrap();
        assert_eq!(stored, unix, "{username}");
    }
}

#[test]
fn the_preset_is_used_where_no_validity_is_given() {
    let daemon = Daemon::with(OPEN_API, "config voucher 'voucher'\noption valid_for '45 days'");
    let none = json!({"action": "create_voucher"});
    assert_eq!(created(&daemon.post(none))["valid_for"], "45 days");
    let given = json!({"action": "create_voucher", "valid_for": "1 hour"});
    assert_eq!(created(&daemon.post(given))["valid_for"], "1 hour");
}

#[test]
fn every_validity_of_the_page_is_accepted_and_echoed() {
    let daemon = Daemon::start();
    let hours = (2..=23).map(|count| format!("{count} hours"));
    let long = [35, 40, 45, 50, 55, 60, 90, 120, 150, 180, 365];
    let days = (2..=30).chain(long).map(|count| format!("{count} days"));
    let single = ["always", "1 hour", "1 day"].map(str::to_owned);
    for text in single.into_iter().chain(hours).chain(days) {
        let user = created(&daemon.post(json!({"action": "create_voucher", "valid_for": text})));
        assert_eq!(user["valid_for"], text);
    }
}
