//! `docs/ERRORS.md` lists exactly the result codes that exist.

use onhand::types::{CodeClass, ResultCode};

const PAGE: &str = include_str!("../../docs/ERRORS.md");

/// Number, name, meaning, retry, fix: the cells of each row that starts with a number.
fn rows() -> Vec<Vec<&'static str>> {
    PAGE.lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .filter(|cells: &Vec<&str>| cells[0].parse::<u16>().is_ok())
        .collect()
}

#[test]
fn the_page_lists_every_code_once_and_in_order() {
    let listed: Vec<u16> = rows().iter().map(|row| row[0].parse().unwrap()).collect();
    let defined: Vec<u16> = ResultCode::ALL.iter().map(|code| *code as u16).collect();
    assert_eq!(listed, defined);
}

#[test]
fn the_page_gives_each_code_its_name_and_meaning_and_says_what_to_do() {
    for (row, code) in rows().iter().zip(ResultCode::ALL) {
        assert_eq!(row.len(), 5, "{code}");
        assert_eq!(row[1], format!("`{}`", code.name()));
        assert_eq!(row[2], code.meaning().trim(), "{code}");
        assert!(!row[4].is_empty(), "{code}");
    }
}

#[test]
fn the_page_says_retry_for_transient_codes_only() {
    for (row, code) in rows().iter().zip(ResultCode::ALL) {
        let says_yes = row[3].starts_with("yes");
        assert_eq!(says_yes, code.class() == CodeClass::Transient, "{code}");
    }
}

#[test]
fn numbers_and_names_lead_back_to_the_code() {
    for code in ResultCode::ALL {
        assert_eq!(ResultCode::from_u16(*code as u16), Some(*code));
    }
    assert_eq!(ResultCode::from_u16(u16::MAX), None);
}
