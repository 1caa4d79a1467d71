//! The files of the pages, in the binary: no build step, nothing from another host.

use std::sync::LazyLock;

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its path below `/dashboard/assets/`.
    pub path: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

macro_rules! assets {
    ($($path:literal: $kind:ident,)+) => {
        /// Every file.
        pub const ASSETS: &[Asset] = &[$(Asset {
            path: $path,
            kind: $kind,
            bytes: include_bytes!(concat!("assets/", $path)),
        }),+];
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const SVG: &str = "image/svg+xml";

assets! {
    "index.html": HTML,
    "icon.svg": SVG,
    "style.css": CSS,
    "address.js": SCRIPT,
    "app.js": SCRIPT,
    "lib.js": SCRIPT,
    "live.js": SCRIPT,
    "flow.js": SCRIPT,
    "picture.js": SCRIPT,
    "system.js": SCRIPT,
    "sale.js": SCRIPT,
    "orders.js": SCRIPT,
    "review.js": SCRIPT,
    "letters.js": SCRIPT,
    "stock.js": SCRIPT,
    "bottlenecks.js": SCRIPT,
    "audit.js": SCRIPT,
    "quarantine.js": SCRIPT,
    "mappings.js": SCRIPT,
    "vendor/uplot.js": SCRIPT,
    "vendor/uplot.css": CSS,
    "vendor/uplot.LICENSE": TEXT,
}

/// Tells the files of one build from those of another.
pub static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = blake3::Hasher::new();
    for asset in ASSETS {
        hasher.update(asset.path.as_bytes());
        hasher.update(asset.bytes);
    }
    hasher.finalize().to_hex().chars().take(16).collect()
});

/// The file at a path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(asset: &Asset) -> &'static str {
        std::str::from_utf8(asset.bytes).expect("UTF-8")
    }

    #[test]
    fn no_page_asks_another_host_or_holds_a_script_or_style_of_its_own() {
        for asset in ASSETS.iter().filter(|one| !one.path.starts_with("vendor/")) {
            for address in ["http://", "https://", "//cdn"] {
                let text = text(asset).replace("http://www.w3.org/", "");
                assert!(!text.contains(address), "{}: {address}", asset.path);
            }
        }
        let index = text(find("index.html").expect("there"));
        assert!(!index.contains("style=") && !index.contains("<style"));
        for script in index.split("<script").skip(1) {
            assert!(script.contains("src="), "an inline script");
        }
    }

    #[test]
    fn everything_that_pages_name_is_there() {
        for asset in ASSETS
            .iter()
            .filter(|one| one.path.split('.').next_back() == Some("js"))
        {
            let folder = asset.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for import in text(asset).split("from \"./").skip(1) {
                let name = import.split('"').next().unwrap_or_default();
                let path = if folder.is_empty() {
                    name.to_owned()
                } else {
                    format!("{folder}/{name}")
                };
                assert!(find(&path).is_some(), "{} imports {path}", asset.path);
            }
        }
    }
}
