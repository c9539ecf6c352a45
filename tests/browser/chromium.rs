//! A real Chromium, driven over its own protocol.
//!
//! The DevTools protocol is JSON over a WebSocket: a command has an `id`, its
//! result the same one, and everything else is an event. One socket serves
//! all pages, each by its `sessionId`.

use std::cell::{Cell, RefCell};
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tungstenite::{Error, Message, WebSocket};

use crate::harness::{PATIENCE, TempDir, eventually};

/// What it may be called.
const NAMES: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Alone, quiet, and without anything of the user's.
const FLAGS: [&str; 13] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--no-first-run",
    "--mute-audio",
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
];

/// A running Chromium. Dropped, it is killed.
pub struct Chromium {
    child: Child,
    socket: RefCell<WebSocket<TcpStream>>,
    next_id: Cell<u64>,
    /// Events that nobody has looked at yet.
    events: RefCell<Vec<Value>>,
    _profile: TempDir,
}

/// A page in it.
pub struct Page<'a> {
    chromium: &'a Chromium,
    session: String,
}

impl Chromium {
    /// Starts one. Where there is none, the test fails: a page nobody looked
    /// at is not known to work.
    #[track_caller]
    pub fn start() -> Chromium {
        let profile = TempDir::new();
        let mut child = NAMES
            .iter()
            .find_map(|name| spawn(name, profile.path()))
            .expect("a Chromium is needed: apt-get install chromium");
        let port_file = profile.file("DevToolsActivePort");
        let mut address = String::new();
        eventually("Chromium listens", || {
            assert!(child.try_wait().unwrap().is_none(), "Chromium ended");
            address = fs::read_to_string(&port_file).unwrap_or_default();
            address.lines().count() == 2
        });
        let (port, path) = address.split_once('\n').unwrap();
        let url = format!("ws://127.0.0.1:{port}{}", path.trim());
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = tungstenite::client(url, stream).unwrap();
        Chromium {
            child,
            socket: RefCell::new(socket),
            next_id: Cell::new(1),
            events: RefCell::default(),
            _profile: profile,
        }
    }

    /// Opens a page as wide and high as a small desktop's window, of someone
    /// who shares nothing with the other pages. `before` runs in it before
    /// anything of its own does.
    #[track_caller]
    pub fn open(&self, url: &str, before: &str) -> Page<'_> {
        let someone = self.call("", "Target.createBrowserContext", json!({}));
        let context = &someone["browserContextId"];
        let blank = json!({"url": "about:blank", "browserContextId": context});
        let target = self.call("", "Target.createTarget", blank);
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.call("", "Target.attachToTarget", attach);
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let page = Page { chromium: self, session };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        let script = json!({"source": before});
        page.call("Page.addScriptToEvaluateOnNewDocument", script);
        page.resize(1280, 800);
        page.go_to(url);
        page
    }

    /// Gives a command and waits for its result.
    #[track_caller]
    fn call(&self, session: &str, method: &str, params: Value) -> Value {
        let id = self.next_id.replace(self.next_id.get() + 1);
        let mut command = json!({"id": id, "method": method, "params": params});
        if !session.is_empty() {
            command["sessionId"] = session.into();
        }
        let text = Message::text(command.to_string());
        self.socket.borrow_mut().send(text).expect("Chromium listens");
        loop {
            let mut value = self.read();
            if value["id"] == id {
                assert_eq!(value["error"], Value::Null, "{method}");
                return value["result"].take();
            }
            self.events.borrow_mut().push(value);
        }
    }

    #[track_caller]
    fn read(&self) -> Value {
        loop {
            match self.socket.borrow_mut().read() {
                Ok(Message::Text(text)) => {
                    return serde_json::from_str(&text).unwrap();
                }
                Ok(_) => {}
                Err(Error::Io(error)) => panic!("Chromium is silent: {error}"),
                Err(error) => panic!("Chromium: {error}"),
            }
        }
    }
}

fn spawn(name: &str, profile: &Path) -> Option<Child> {
    Command::new(name)
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg("about:blank")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

impl Page<'_> {
    #[track_caller]
    fn call(&self, method: &str, params: Value) -> Value {
        self.chromium.call(&self.session, method, params)
    }

    /// Leads it to another address, and waits until that is loaded.
    #[track_caller]
    pub fn go_to(&self, url: &str) {
        let went = self.call("Page.navigate", json!({"url": url}));
        assert_eq!(went["errorText"], Value::Null, "{url}");
        self.until("document.readyState === 'complete'");
    }

    /// What an expression is worth; a promise is waited for.
    #[track_caller]
    pub fn value_of(&self, expression: &str) -> Value {
        let mut result = self.call(
            "Runtime.evaluate",
            json!({
                "expression": expression,
                "awaitPromise": true,
                "returnByValue": true,
                "userGesture": true,
            }),
        );
        let exception = &result["exceptionDetails"];
        assert_eq!(*exception, Value::Null, "{expression}");
        result["result"]["value"].take()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn until(&self, expression: &str) {
        let deadline = Instant::now() + PATIENCE * 2;
        while self.value_of(&format!("Boolean({expression})")) != true {
            assert!(
                Instant::now() < deadline,
                "never true: {expression}\n{}\n{:?}",
                self.value_of("document.body.innerText"),
                self.errors(),
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Types a text where the cursor is.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// Presses and releases the Enter key.
    #[track_caller]
    pub fn press_enter(&self) {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { "\r" } else { "" };
            self.call(
                "Input.dispatchKeyEvent",
                json!({
                    "type": kind, "key": "Enter", "code": "Enter",
                    "windowsVirtualKeyCode": 13, "text": text,
                }),
            );
        }
    }

    /// Makes its window so wide and high.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({
                "width": width, "height": height, "deviceScaleFactor": 1,
                "mobile": width < 600,
            }),
        );
    }

    /// Makes it `light` or `dark`, and still: nothing in it moves.
    #[track_caller]
    pub fn set_scheme(&self, scheme: &str) {
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        let media = json!({"features": features});
        self.call("Emulation.setEmulatedMedia", media);
    }

    /// Writes what it looks like to `target/screenshots`.
    #[track_caller]
    pub fn screenshot(&self, name: &str) {
        let shot = self.call("Page.captureScreenshot", json!({}));
        let png = BASE64_STANDARD.decode(shot["data"].as_str().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("target/screenshots");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), png.unwrap()).unwrap();
    }

    /// What went wrong in it so far: exceptions, and errors on the console.
    pub fn errors(&self) -> Vec<String> {
        // A round trip brings in the events that are still on their way.
        self.call("Runtime.evaluate", json!({"expression": "1"}));
        let events = self.chromium.events.borrow();
        let mine = events.iter().filter(|e| e["sessionId"] == *self.session);
        mine.filter_map(error_in).collect()
    }
}

/// What an event says went wrong, if it does. That a server which is going
/// or gone cannot be reached is the browser's remark, not the page's error.
fn error_in(event: &Value) -> Option<String> {
    let params = &event["params"];
    let bad = match event["method"].as_str()? {
        "Runtime.exceptionThrown" => true,
        "Runtime.consoleAPICalled" => {
            params["type"] == "error" || params["type"] == "assert"
        }
        "Log.entryAdded" => {
            let text = params["entry"]["text"].as_str().unwrap_or("");
            let unreachable = text.contains("net::ERR_CONNECTION")
                || text.contains("net::ERR_INCOMPLETE_CHUNKED")
                || text.contains("net::ERR_EMPTY_RESPONSE")
                || text.contains("status of 503")
                || text.contains("WebSocket connection to");
            params["entry"]["level"] == "error" && !unreachable
        }
        _ => false,
    };
    bad.then(|| params.to_string())
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
