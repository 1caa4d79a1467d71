//! Links of the documents.

use crate::{assert_none, files, root};
use regex::Regex;
use std::fs;

#[test]
fn links_between_documents_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#\s]+)(?:#[^)]*)?\)").expect("a pattern");
    let mut offences = Vec::new();
    let mut pages = files("docs", "md");
    pages.push((
        "README.md".into(),
        fs::read_to_string(root().join("README.md")).expect("it"),
    ));
    for (name, text) in pages {
        let folder = root().join(&name).parent().expect("a folder").to_owned();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if !target.contains("://") && !folder.join(target).exists() {
                offences.push(format!("{name}: {target}"));
            }
        }
    }
    assert_none("a link to nowhere", &offences);
}
