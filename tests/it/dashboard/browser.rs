//! A headless browser, driven as a person would.

use super::stage::Stage;
use axum::http::Method;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::runtime::Runtime;
use url::{ParseError, Url};

pub const ENTER: &str = "\u{e007}";
const TAB: &str = "\u{e004}";

/// How long anything may take before a test gives up; machines are shared.
const PATIENCE_MS: u64 = 120_000;

/// How often it is looked at.
const LOOK_MS: u64 = 100;

/// Most presses of Tab until something is reached.
const TABS_MAX: usize = 200;

/// What the browser shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 1920 × 1080.
    Wall,
    /// 360 × 740.
    Phone,
}

/// A driver and its port; `None` where another program took the port that it had chosen.
fn started() -> Option<(Child, String)> {
    let mut driver = Command::new("/usr/bin/chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver starts");
    let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("successfully on port ")?;
        Some(port.trim_end_matches('.').to_owned())
    });
    let Some(port) = port else {
        let _ = driver.kill(); // it has ended, or is of no use
        let _ = driver.wait();
        return None;
    };
    // Whatever else it says is read, so that it never waits for a reader.
    std::thread::spawn(move || lines.map_while(Result::ok).count());
    Some((driver, port))
}

/// A browser with one page; ended with the test.
pub struct Browser {
    driver: Child,
    runtime: Runtime,
    client: Option<Client>,
    shots: Option<PathBuf>,
}

impl Browser {
    /// Starts one. Where there is none, says so and returns `None`.
    pub fn start(size: Size) -> Option<Self> {
        let there = |name: &str| Path::new("/usr/bin").join(name).exists();
        if !there("chromium") || !there("chromedriver") {
            assert!(
                std::env::var_os("ONHAND_REQUIRE_ALL").is_none_or(|value| value != "1"),
                "chromium is not installed, and nothing may be skipped"
            );
            eprintln!("skipped: needs chromium (Debian: apt-get install chromium chromium-driver)");
            return None;
        }
        let (driver, port) = (0..5)
            .find_map(|_| started())
            .expect("chromedriver says its port, at the fifth start at the latest");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(size));
        let url = format!("http://127.0.0.1:{port}");
        let client = runtime.block_on(builder.connect(&url)).expect("a session");
        Some(Self {
            driver,
            runtime,
            client: Some(client),
            shots: std::env::var_os("ONHAND_SCREENSHOTS").map(PathBuf::from),
        })
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("running")
    }

    /// Opens an address anew.
    pub fn go(&self, url: &str) {
        let client = self.client();
        let opened = self.runtime.block_on(async {
            client.goto("about:blank").await?;
            client.goto(url).await
        });
        opened.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Opens a page in a theme and waits until it shows figures.
    pub fn open(&self, stage: &Stage, page: &str, theme: &str) {
        self.go(&stage.page(page));
        self.js(&format!("localStorage.setItem('onhand-theme', '{theme}')"));
        self.go(&stage.page(page));
        self.until(
            "live figures",
            "return window.fresh?.dataset.state === 'live'",
        );
        self.until(
            "the page's own content",
            "return document.querySelectorAll('main .panel').length > 0 \
             && !!document.querySelector('main h1')",
        );
        // What the page asks for has come, or was refused.
        self.until(
            "a quiet network",
            "return performance.getEntriesByType('resource')\
             .every((one) => one.responseEnd > 0 || one.name.includes('/events'))",
        );
    }

    /// Runs a script in the page.
    pub fn js(&self, script: &str) -> Value {
        let ran = self.runtime.block_on(self.client().execute(script, vec![]));
        ran.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until a script says yes.
    #[track_caller]
    pub fn until(&self, what: &str, script: &str) {
        let end_ns = onhand::clock::monotonic_ns() + PATIENCE_MS * 1_000_000;
        while self.js(script) != Value::Bool(true) {
            if onhand::clock::monotonic_ns() > end_ns {
                self.shot("missing");
                let page = self.js("return document.body.innerText");
                panic!("{what} did not come; the page says {page}");
            }
            onhand::clock::sleep_ms(LOOK_MS);
        }
    }

    /// Clicks the first element that fits.
    #[track_caller]
    pub fn click(&self, css: &str) {
        let client = self.client();
        let clicked = self
            .runtime
            .block_on(async { client.find(Locator::Css(css)).await?.click().await });
        clicked.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Chooses an option of the first list that fits.
    #[track_caller]
    pub fn choose(&self, css: &str, value: &str) {
        let client = self.client();
        let chosen = self.runtime.block_on(async {
            let list = client.find(Locator::Css(css)).await?;
            list.select_by_value(value).await
        });
        chosen.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Waits until the page's own content has a text.
    #[track_caller]
    pub fn until_main(&self, text: &str) {
        let wanted = json!(text);
        let script =
            format!("return document.querySelector('main').textContent.includes({wanted})");
        self.until(&format!("`{text}`"), &script);
    }

    /// Fills the fields of the question that is asked, by keyboard, and says yes.
    #[track_caller]
    pub fn answer(&self, values: &[&str]) {
        self.until("a question", "return document.querySelector('#ask').open");
        for (place, value) in values.iter().enumerate() {
            if place > 0 {
                self.press(TAB);
            }
            self.press(value);
        }
        self.press(ENTER);
        self.until("no question", "return !document.querySelector('#ask').open");
    }

    /// Requires that axe-core finds nothing serious in what is shown, light and dark.
    #[track_caller]
    pub fn accessible(&self, what: &str) {
        for theme in ["light", "dark"] {
            self.js(&format!(
                "document.documentElement.dataset.theme = '{theme}'"
            ));
            let found = self.axe();
            assert!(found.is_empty(), "{what}, {theme}: {found:#?}");
        }
        self.js("document.documentElement.dataset.theme = 'light'");
    }

    /// Shows pages as on a system of light or dark colours.
    #[track_caller]
    pub fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let told = self.client().issue_cmd(DevTools {
            command: "Emulation.setEmulatedMedia",
            parameters: json!({ "features": features }),
        });
        let told = self.runtime.block_on(told);
        told.unwrap_or_else(|error| panic!("{scheme}: {error}"));
    }

    /// Requires that nothing is wider than a phone, but what scrolls within its own bounds.
    #[track_caller]
    pub fn fits(&self, what: &str) {
        let beyond = self.js("const scrolls = (one) => {\
                 for (let at = one; at; at = at.parentElement) {\
                     const { overflowX } = getComputedStyle(at);\
                     if (['auto', 'scroll', 'hidden'].includes(overflowX)) return true;\
                 }\
                 return false;\
             };\
             return [document.documentElement.scrollWidth, innerWidth,\
             ...[...document.querySelectorAll('body *')]\
             .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)\
             .filter((one) => !one.closest('.hush, svg, thead') && !scrolls(one))\
             .map((one) => one.outerHTML.slice(0, 120))]");
        let parts = beyond.as_array().expect("a list");
        assert!(parts[0].as_i64() <= Some(360), "{what}: {beyond}");
        assert_eq!(parts.len(), 2, "{what}: {beyond}");
    }

    /// Types into whatever has the focus, key by key.
    #[track_caller]
    pub fn press(&self, keys: &str) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in keys.chars() {
            let (down, up) = (KeyAction::Down { value }, KeyAction::Up { value });
            actions = actions.then(down).then(up);
        }
        let pressed = self.client().perform_actions(actions);
        let pressed = self.runtime.block_on(pressed);
        pressed.unwrap_or_else(|error| panic!("{keys:?}: {error}"));
    }

    /// Presses Tab until the focus is on an element that fits, and can be seen to be.
    #[track_caller]
    pub fn tab_to(&self, css: &str) {
        let script = format!(
            "const style = getComputedStyle(document.activeElement);\
             return !document.activeElement.matches({}) ? 'elsewhere'\
             : style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 ? 'shown'\
             : 'hidden'",
            json!(css)
        );
        for tabs in 0..TABS_MAX {
            let focus = self.js(&script);
            if focus == "shown" {
                return;
            }
            // Who came with the mouse needs no outline; who comes by Tab does.
            assert!(
                tabs == 0 || focus == "elsewhere",
                "the focus on {css} shows"
            );
            self.press(TAB);
        }
        panic!("{css} is not reached by Tab");
    }

    /// Serious and critical violations that axe-core finds.
    pub fn axe(&self) -> Vec<Value> {
        self.js(include_str!("../../assets/axe.min.js"));
        let script = "const done = arguments[arguments.length - 1];\
             axe.run(document, { resultTypes: ['violations'] })\
             .then((found) => done(found.violations\
             .filter((one) => ['serious', 'critical'].includes(one.impact))\
             .map((one) => ({ id: one.id, nodes: one.nodes.map((node) => node.html) }))))";
        let client = self.client();
        let ran = self.runtime.block_on(async {
            let limit = Duration::from_millis(PATIENCE_MS);
            let timeouts = fantoccini::wd::TimeoutConfiguration::new(Some(limit), None, None);
            client.update_timeouts(timeouts).await?;
            client.execute_async(script, vec![]).await
        });
        let found = ran.unwrap_or_else(|error| panic!("axe: {error}"));
        found.as_array().expect("a list").clone()
    }

    /// What the page refused or failed to do, but for answers of the server.
    pub fn errors(&self) -> Vec<String> {
        let found = self.js("return (window.failures ?? []).map(String)");
        let texts = found.as_array().into_iter().flatten();
        texts.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Keeps what is shown, where the environment asks for it.
    pub fn shot(&self, name: &str) {
        let Some(directory) = &self.shots else {
            return;
        };
        std::fs::create_dir_all(directory).expect("a directory for screenshots");
        let taken = self.runtime.block_on(self.client().screenshot());
        let path = directory.join(format!("{name}.png"));
        std::fs::write(path, taken.expect("a screenshot")).expect("written");
    }
}

/// A command of Chromium's own.
#[derive(Debug)]
struct DevTools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({ "cmd": self.command, "params": self.parameters });
        (Method::POST, Some(body.to_string()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            let _ = self.runtime.block_on(client.close());
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn capabilities(size: Size) -> fantoccini::wd::Capabilities {
    let (width, height, mobile) = match size {
        Size::Wall => (1_920, 1_080, false),
        Size::Phone => (360, 740, true),
    };
    let options = json!({
        "binary": "/usr/bin/chromium",
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--disable-dev-shm-usage", format!("--window-size={width},{height}"),
        ],
        "mobileEmulation": { "deviceMetrics": {
            "width": width, "height": height, "pixelRatio": 1, "mobile": mobile, "touch": mobile,
        } },
    });
    let mut capabilities = serde_json::Map::new();
    capabilities.insert("goog:chromeOptions".to_owned(), options);
    capabilities
}
