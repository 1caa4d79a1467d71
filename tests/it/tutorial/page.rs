//! The blocks of a page that are run, and what it shows of their output.

/// Commands with what they print.
#[derive(Debug, Default)]
pub struct Block {
    /// Where it begins in the page, counted from 1.
    pub line: usize,
    pub commands: String,
    /// Lines of the page in their order; `…` is anything, as a line of its own any lines.
    pub shown: Vec<String>,
    /// It is repeated until it prints what is shown.
    pub again: bool,
    /// Its last command fails.
    pub fails: bool,
}

/// Every `sh` block, with the `text` block that follows it.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = page.lines().enumerate();
    let mut comment = "";
    // A `text` block belongs to the `sh` block right above it.
    let mut shows = false;
    while let Some((at, line)) = lines.next() {
        let inside = |lines: &mut dyn Iterator<Item = (usize, &str)>| -> Vec<String> {
            let lines = lines.map(|(_, line)| line);
            lines
                .take_while(|line| *line != "```")
                .map(str::to_owned)
                .collect()
        };
        match line {
            "```sh" => {
                blocks.push(Block {
                    line: at + 1,
                    commands: inside(&mut lines).join("\n"),
                    again: comment == "<!-- again until -->",
                    fails: comment == "<!-- fails -->",
                    ..Block::default()
                });
                (comment, shows) = ("", true);
            }
            "```text" => {
                let shown = inside(&mut lines);
                match blocks.last_mut().filter(|_| shows) {
                    Some(block) => block.shown = shown,
                    None => panic!("line {}: what is shown belongs to no commands", at + 1),
                }
                shows = false;
            }
            _ if line.starts_with("```") => {
                inside(&mut lines);
                shows = false;
            }
            _ => {
                shows = false;
                if !line.is_empty() {
                    comment = line;
                }
            }
        }
    }
    blocks
}

/// The first shown line that is not in the output, behind those before it. How columns are spaced
/// does not matter.
pub fn differs(shown: &[String], output: &str) -> Option<String> {
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let printed: Vec<String> = output.lines().map(plain).collect();
    let mut rest = printed.iter();
    for line in shown.iter().filter(|line| !line.is_empty()) {
        let line = plain(line);
        if !rest.any(|printed| matches(&line, printed)) {
            return Some(format!("it does not print `{line}`, or not in this place"));
        }
    }
    None
}

fn matches(pattern: &str, text: &str) -> bool {
    if pattern == "…" {
        return true;
    }
    let mut parts = pattern.split('…');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
    }
    last.map_or_else(|| rest.is_empty(), |last| rest.ends_with(last))
}

#[test]
fn a_shown_line_stands_for_one_with_anything_in_its_gaps() {
    for (pattern, text, fits) in [
        ("ok", "ok", true),
        ("ok", "ok 1", false),
        (
            "Order … is …, number …",
            "Order 7f is PAYMENT, number 9",
            true,
        ),
        (
            "Order … is …, number …",
            "Order 7f was PAYMENT, number 9",
            false,
        ),
        ("…:1}", "{\"a\":1}", true),
        ("…:1}", "{\"a\":1},", false),
    ] {
        assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
    }
    let shown = ["b".to_owned(), "a".to_owned()];
    assert!(differs(&shown, "a\nb\n").is_some(), "the order counts");
    assert_eq!(differs(&shown, "x\nb\ny\na\n"), None);
}
