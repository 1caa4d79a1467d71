//! How results reach standard output: sentences and tables for people, JSON for programs.

use std::fmt::Display;
use std::io::{self, Write};

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub struct PrintError(#[source] pub io::Error);

/// Writes one line (or several) to standard output at once.
pub(super) fn print(text: impl Display) -> Result<(), PrintError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(PrintError)
}

/// Writes a text that has its own line breaks.
pub(super) fn print_raw(text: &str) -> Result<(), PrintError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(PrintError)
}

/// Writes the sentence, or with `--json` the value on one line.
pub(super) fn print_either(
    json: bool,
    text: impl Display,
    value: &serde_json::Value,
) -> Result<(), PrintError> {
    if json { print(value) } else { print(text) }
}

/// Rows under a heading, columns aligned: numbers to the right, words to the left.
pub(super) fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heading.iter().map(|word| word.chars().count()).collect();
    let mut numeric = vec![true; heading.len()];
    for row in rows {
        for ((cell, width), numeric) in row.iter().zip(&mut widths).zip(&mut numeric) {
            *width = (*width).max(cell.chars().count());
            *numeric &= cell.chars().all(|c| c.is_ascii_digit() || c == '-');
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for ((cell, width), numeric) in cells.zip(&widths).zip(&numeric) {
            let cell = if *numeric {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            };
            text.push_str(&cell);
            text.push_str("  ");
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![line(&mut heading.iter().copied())];
    lines.extend(
        rows.iter()
            .map(|row| line(&mut row.iter().map(String::as_str))),
    );
    lines.join("\n")
}

/// `1 unit`, `2 units`.
pub(super) fn counted(number: impl Into<u64>, noun: &str) -> String {
    let number = number.into();
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_align_numbers_right_and_words_left() {
        let rows = [
            vec!["lamp".to_owned(), "5".to_owned()],
            vec!["t".to_owned(), "1200".to_owned()],
        ];
        let shown = table(&["SKU", "ON_HAND"], &rows);
        assert_eq!(
            shown,
            "SKU   ON_HAND\nlamp        5\nt          1200".replace("t          ", "t        ")
        );
    }
}
