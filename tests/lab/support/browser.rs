//! A real browser at a guest's, driven over WebDriver (W3C) by way of curl.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};

use serde_json::{Value, json};

use super::{Lab, Node, until};

const DRIVER: &str = "http://127.0.0.1:9515";
/// The name under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Chromium without a screen.
pub struct Browser {
    guest: Node,
    driver: Child,
    session: String,
    pictures: PathBuf,
}

impl Browser {
    /// `None`, and says why, where there is no browser.
    pub fn open(lab: &Lab, guest: &Node) -> Option<Self> {
        for program in ["chromium", "chromedriver"] {
            let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
            if !found.is_ok_and(|found| found.status.success()) {
                super::skipped(&format!("no {program}"));
                return None;
            }
        }
        let home = lab.directory().join("browser");
        fs::create_dir(&home).unwrap();
        let log = fs::File::create(home.join("log")).unwrap();
        let mut command = guest.command("chromedriver");
        command.arg("--port=9515").env("HOME", &home).env("TMPDIR", &home).env("LANG", "C.UTF-8");
        let driver = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let pictures = target.parent().unwrap().join("lab");
        fs::create_dir_all(&pictures).unwrap();
        let session = String::new();
        let mut browser = Self { guest: guest.clone(), driver, session, pictures };
        let ready = until(|| browser.guest.try_curl(&[&format!("{DRIVER}/status")]).is_ok());
        assert!(ready, "chromedriver does not answer");
        browser.begin(&home.join("profile").display().to_string());
        Some(browser)
    }

    fn begin(&mut self, profile: &str) {
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=420,860",
            "--lang=en",
            &format!("--user-data-dir={profile}"),
        ];
        let options = json!({ "args": arguments });
        // Shorter than curl's patience, so that it is the browser that says what hangs.
        let patience = json!({ "pageLoad": 30_000 });
        let wanted =
            json!({ "browserName": "chrome", "timeouts": patience, "goog:chromeOptions": options });
        let wanted = json!({ "capabilities": { "alwaysMatch": wanted } });
        let session = self.send("POST", "/session", Some(&wanted));
        self.session = session["sessionId"].as_str().unwrap().to_owned();
    }

    /// A command; panics where the browser says that it went wrong.
    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.try_send(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn try_send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Value> {
        let body = body.map(Value::to_string);
        let url = format!("{DRIVER}{path}");
        let mut words = vec!["-X", method, &url];
        if let Some(body) = &body {
            words.extend(["-H", "Content-Type: application/json", "-d", body]);
        }
        let mut answer = self.guest.curl(&words).json();
        let value = answer["value"].take();
        if value.get("error").is_some() { Err(value) } else { Ok(value) }
    }

    fn within(&self, path: &str) -> String {
        format!("/session/{}{path}", self.session)
    }

    /// What is behind a path of the session.
    fn get(&self, path: &str) -> Value {
        self.send("GET", &self.within(path), None)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.send("POST", &self.within(path), Some(body))
    }

    /// Types an address.
    pub fn visit(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// The address it is at.
    pub fn url(&self) -> String {
        self.get("/url").as_str().unwrap().to_owned()
    }

    /// What can be read on the page.
    pub fn text(&self) -> String {
        let script = json!({ "script": "return document.body.innerText", "args": [] });
        self.post("/execute/sync", &script).as_str().unwrap_or_default().to_owned()
    }

    /// Waits for a page that says this.
    pub fn reads(&self, text: &str) {
        assert!(until(|| self.text().contains(text)), "{text:?} is not in {:?}", self.text());
    }

    fn element(&self, selector: &str) -> Option<String> {
        let how = json!({ "using": "css selector", "value": selector });
        let found = self.try_send("POST", &self.within("/element"), Some(&how)).ok()?;
        Some(found[ELEMENT].as_str().unwrap().to_owned())
    }

    fn wait_for(&self, selector: &str) -> String {
        let mut found = None;
        let there = until(|| {
            found = self.element(selector);
            found.is_some()
        });
        assert!(there, "no {selector} on {} with {:?}", self.url(), self.text());
        found.unwrap()
    }

    /// Fills a field.
    pub fn types(&self, selector: &str, text: &str) {
        let field = self.wait_for(selector);
        self.post(&format!("/element/{field}/value"), &json!({ "text": text }));
    }

    /// Taps on something.
    pub fn taps(&self, selector: &str) {
        let target = self.wait_for(selector);
        self.post(&format!("/element/{target}/click"), &json!({}));
    }

    /// Keeps a picture of the page, `target/lab/NAME.png`.
    pub fn pictures(&self, name: &str) {
        let picture = self.get("/screenshot");
        let file = fs::File::create(self.pictures.join(format!("{name}.png"))).unwrap();
        let mut decode = Command::new("base64")
            .arg("-d")
            .stdin(std::process::Stdio::piped())
            .stdout(file)
            .spawn()
            .unwrap();
        let mut encoded = decode.stdin.take().unwrap();
        std::io::Write::write_all(&mut encoded, picture.as_str().unwrap().as_bytes()).unwrap();
        drop(encoded);
        assert!(decode.wait().unwrap().success());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.session.is_empty() {
            let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                eprintln!("the browser is at {} with {:?}", self.url(), self.text());
                self.pictures("failed");
            }));
            drop(shown);
        }
        let _ = self.guest.try_curl(&[&format!("{DRIVER}/shutdown")]);
        super::ended(&mut self.driver);
    }
}
