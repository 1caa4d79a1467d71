//! A CSV file as rows with named, checked fields.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use crate::audit::export::{ORDER_COLUMNS, STOCK_COLUMNS, original};
use crate::cli::export;
use crate::types::{CommandKey, ResultCode};

/// What every hashed row starts with.
const ROW_KEY_PREFIX: &[u8] = b"onhand-import-row-v1";

/// Columns of stock beside those of an export.
const STOCK_MORE: &[&str] = &["quantity", "expect", "row_key", "backorder_queue"];
/// Columns of orders beside those of an export.
const ORDERS_MORE: &[&str] = &["quantity", "ttl_ms", "mode", "partial"];

/// A row that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Line of the file, from 1.
    pub(super) line: u64,
    /// The server's code; none where the row itself is wrong.
    pub(super) code: Option<ResultCode>,
    /// In words.
    pub(super) reason: String,
}

impl Refusal {
    pub(super) fn new(line: u64, reason: impl Into<String>) -> Self {
        Self {
            line,
            code: None,
            reason: reason.into(),
        }
    }
}

/// One line of the file, or why it is none.
pub(super) type Line = Result<(u64, csv::StringRecord), Refusal>;

/// A whole file.
#[derive(Debug)]
pub(super) struct Table {
    columns: HashMap<String, usize>,
    pub(super) lines: Vec<Line>,
}

/// Reads a file and checks its columns.
pub(super) fn read(path: &Path, kind: export::Table) -> anyhow::Result<Table> {
    let failed = || format!("cannot read {}", path.display());
    let file = std::fs::File::open(path).with_context(failed)?;
    parse(file, kind).with_context(failed)
}

/// As [`read`], from any input.
pub(super) fn parse(mut input: impl std::io::Read, kind: export::Table) -> anyhow::Result<Table> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes.as_slice());
    let columns = columns(reader.headers()?, kind)?;
    let mut lines = Vec::new();
    for record in reader.into_records() {
        lines.push(match record {
            Ok(record) => Ok((line_of(&bytes, record.position()), record)),
            Err(error) => {
                let line = line_of(&bytes, error.position());
                Err(Refusal::new(line, malformed(&error)))
            }
        });
    }
    Ok(Table { columns, lines })
}

/// The line where a record begins; its position may be that of blank lines before it.
fn line_of(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = bytes.get(start..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    position.line() + blank.filter(|byte| **byte == b'\n').count() as u64
}

fn malformed(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("has {len} fields where the first row has {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

fn columns(
    heading: &csv::StringRecord,
    kind: export::Table,
) -> anyhow::Result<HashMap<String, usize>> {
    let (exported, more, needed): (&[&str], &[&str], &[&[&str]]) = match kind {
        export::Table::Stock => {
            let needed: &[&[&str]] = &[&["sku"], &["location"], &["quantity", "on_hand"]];
            (&STOCK_COLUMNS, STOCK_MORE, needed)
        }
        export::Table::Orders => {
            let needed: &[&[&str]] = &[&["sku"], &["quantity"], &["external_id", "order"]];
            (&ORDER_COLUMNS, ORDERS_MORE, needed)
        }
    };
    let mut columns = HashMap::new();
    for (index, name) in heading.iter().enumerate() {
        let name = name.trim_start_matches('\u{feff}').to_lowercase();
        if !exported.contains(&&*name) && !more.contains(&&*name) {
            bail!(
                "column `{name}` is not known; known are {}, {}",
                exported.join(", "),
                more.join(", ")
            );
        }
        if columns.insert(name.clone(), index).is_some() {
            bail!("column `{name}` is there twice");
        }
    }
    for any in needed {
        if !any.iter().any(|name| columns.contains_key(*name)) {
            bail!("a column `{}` is missing", any.join("` or `"));
        }
    }
    if kind == export::Table::Stock
        && columns.contains_key("quantity")
        && columns.contains_key("on_hand")
    {
        bail!("columns `quantity` and `on_hand` exclude each other: arrived, or set?");
    }
    Ok(columns)
}

impl Table {
    /// A line with its columns.
    pub(super) fn row<'a>(&'a self, record: &'a csv::StringRecord) -> Row<'a> {
        Row {
            columns: &self.columns,
            record,
        }
    }
}

/// One row; empty fields are as good as missing ones.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    columns: &'a HashMap<String, usize>,
    record: &'a csv::StringRecord,
}

impl<'a> Row<'a> {
    /// A text.
    pub(super) fn text(&self, column: &str) -> Option<&'a str> {
        let field = self.record.get(*self.columns.get(column)?)?;
        Some(original(field)).filter(|text| !text.is_empty())
    }

    /// A text that must be there.
    pub(super) fn needed(&self, line: u64, column: &str) -> Result<&'a str, Refusal> {
        let missing = || Refusal::new(line, format!("`{column}` is empty"));
        self.text(column).ok_or_else(missing)
    }

    /// A value, if it is there.
    pub(super) fn parsed<T: FromStr>(&self, line: u64, column: &str) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(column) else {
            return Ok(None);
        };
        let wrong = |_| Refusal::new(line, format!("`{column}` has `{text}`, which does not fit"));
        text.parse().map(Some).map_err(wrong)
    }

    /// A value that must be there.
    pub(super) fn number(&self, line: u64, column: &str) -> Result<u32, Refusal> {
        self.needed(line, column)?;
        let missing = || Refusal::new(line, format!("`{column}` is empty"));
        self.parsed(line, column)?.ok_or_else(missing)
    }
}

/// Makes the keys of rows: the same row of the same import gets the same key.
#[derive(Debug, Default)]
pub(super) struct RowKeys {
    seen: HashMap<[u8; 16], u64>,
}

impl RowKeys {
    /// The key of a row with this content; `row_key` identifies it whatever it says.
    pub(super) fn key(&mut self, id: &str, row_key: Option<&str>, content: &[&str]) -> CommandKey {
        if let Some(row_key) = row_key {
            return key_of(&hash(&["row_key", row_key], 0));
        }
        let mut parts = vec!["import", id];
        parts.extend_from_slice(content);
        let bytes = hash(&parts, 0);
        let seen = self.seen.entry(bytes).or_default();
        let times = *seen;
        *seen += 1;
        key_of(&hash(&parts, times))
    }
}

fn key_of(bytes: &[u8; 16]) -> CommandKey {
    CommandKey(u128::from_be_bytes(*bytes).max(1))
}

/// Length before each part, so that no two lists of parts are the same bytes.
fn hash(parts: &[&str], times: u64) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(ROW_KEY_PREFIX);
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(times.to_le_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk::<16>().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock(text: &str) -> anyhow::Result<Table> {
        parse(text.as_bytes(), export::Table::Stock)
    }

    #[test]
    fn columns_are_checked_before_anything_is_sent() {
        for (text, reason) in [
            ("sku,place,quantity\n", "column `place` is not known"),
            (
                "sku,location\n",
                "a column `quantity` or `on_hand` is missing",
            ),
            ("sku,sku,location,quantity\n", "column `sku` is there twice"),
            ("sku,location,quantity,on_hand\n", "exclude each other"),
        ] {
            let error = stock(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(stock("\u{feff}SKU, Location ,on_hand,tenant,short\n").is_ok());
    }

    #[test]
    fn rows_with_wrong_fields_are_refused_with_their_line() {
        let table =
            stock("sku,location,quantity\nlamp,berlin,x\n\nlamp,berlin\nlamp,,3\n").unwrap();
        let (line, record) = table.lines[0].clone().unwrap();
        let refusal = table.row(&record).number(line, "quantity").unwrap_err();
        assert_eq!((refusal.line, refusal.reason.contains("`x`")), (2, true));
        let refusal = table.lines[1].clone().unwrap_err();
        assert_eq!(
            (refusal.line, refusal.reason.contains("has 2 fields")),
            (4, true)
        );
        let (line, record) = table.lines[2].clone().unwrap();
        let refusal = table.row(&record).needed(line, "location").unwrap_err();
        assert_eq!(refusal.reason, "`location` is empty");
    }

    #[test]
    fn equal_rows_of_one_import_differ_and_those_of_the_same_import_again_do_not() {
        let keys = |id: &str| {
            let mut keys = RowKeys::default();
            let row = ["lamp", "berlin", "3"];
            [keys.key(id, None, &row), keys.key(id, None, &row)]
        };
        let [first, second] = keys("monday.csv");
        assert_ne!(first, second);
        assert_eq!(keys("monday.csv"), [first, second]);
        assert!(!keys("tuesday.csv").contains(&first));
        let named = |id| RowKeys::default().key(id, Some("R1"), &[]);
        assert_eq!(named("monday.csv"), named("tuesday.csv"));
    }

    #[test]
    fn the_apostrophe_of_an_export_is_taken_off() {
        let table = stock("sku,location,quantity\n'=lamp,berlin,3\n").unwrap();
        let (_, record) = table.lines[0].clone().unwrap();
        assert_eq!(table.row(&record).text("sku"), Some("=lamp"));
    }
}
