//! Amounts as providers write them: minor units, decimal text, decimal numbers, micros.
//!
//! Onhand counts minor units of an ISO 4217 currency (4470 of 978 is 44.70 EUR). How many digits
//! stand behind the point is the currency's, not 2. Nothing here computes with binary fractions.

use crate::limits::CURRENCY_NUMBER_MAX;
use iso_currency::Currency;
use serde_json::{Number, Value};

/// Digits of the micros that some providers count in: 1 EUR is 1,000,000.
const MICROS_EXPONENT: u32 = 6;

/// Most digits of a decimal number that survive a JSON number of any reader.
const JSON_DIGITS_MAX: usize = 15;

/// The alphabetic code, such as `EUR` for 978.
#[must_use]
pub fn alpha(currency: u16) -> Option<&'static str> {
    Some(Currency::from_numeric(currency)?.code())
}

/// The ISO 4217 number of an alphabetic code in any case, such as 978 for `eur`.
#[must_use]
pub fn number(alpha: &str) -> Option<u16> {
    Some(Currency::from_code(&alpha.trim().to_ascii_uppercase())?.numeric())
}

/// How many decimal digits a minor unit is: 2 for EUR, 0 for JPY, 3 for KWD.
#[must_use]
pub fn exponent(currency: u16) -> Option<u32> {
    let exponent = Currency::from_numeric(currency)?.exponent()?;
    Some(u32::from(exponent))
}

/// Every currency that has minor units: its number, its alphabetic code and their digits.
pub fn currencies() -> impl Iterator<Item = (u16, &'static str, u32)> {
    let known = |number| Some((number, alpha(number)?, exponent(number)?));
    (1..=CURRENCY_NUMBER_MAX).filter_map(known)
}

/// Decimal text with all digits of the currency: 4470 EUR is `44.70`, 500 JPY is `500`.
#[must_use]
pub fn decimal(minor: u64, currency: u16) -> Option<String> {
    let exponent = exponent(currency)?;
    if exponent == 0 {
        return Some(minor.to_string());
    }
    let unit = 10_u64.checked_pow(exponent)?;
    let width = usize::try_from(exponent).ok()?;
    Some(format!("{}.{:0width$}", minor / unit, minor % unit))
}

/// Minor units of a decimal text such as `44.7`, `44.70` or `44`; none for a sign, an exponent or a
/// fraction of a minor unit.
#[must_use]
pub fn from_decimal(text: &str, currency: u16) -> Option<u64> {
    let digits = usize::try_from(exponent(currency)?).ok()?;
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > digits {
        return None;
    }
    format!("{whole}{fraction:0<digits$}").parse().ok()
}

/// The same amount in millionths of the currency's unit.
#[must_use]
pub fn micros(minor: u64, currency: u16) -> Option<u64> {
    let factor = 10_u64.checked_pow(MICROS_EXPONENT.checked_sub(exponent(currency)?)?)?;
    minor.checked_mul(factor)
}

/// A JSON number with the same value: 4470 EUR is `44.7`. None for more digits than every reader of
/// JSON keeps.
#[must_use]
pub fn json_number(minor: u64, currency: u16) -> Option<Number> {
    let text = decimal(minor, currency)?;
    if text.len() > JSON_DIGITS_MAX {
        return None;
    }
    text.parse().ok()
}

/// Minor units of a JSON string or number that holds a decimal amount.
#[must_use]
pub fn from_json(value: &Value, currency: u16) -> Option<u64> {
    match value {
        Value::String(text) => from_decimal(text, currency),
        Value::Number(number) => {
            // The shortest text of the number is the text that was sent, up to 15 digits.
            let text = number.to_string();
            let short = text.len() <= JSON_DIGITS_MAX + ".0".len();
            short.then(|| from_decimal(&text, currency)).flatten()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const EUR: u16 = 978;
    const JPY: u16 = 392;
    const KWD: u16 = 414;

    #[test]
    fn codes_and_numbers_are_those_of_iso_4217() {
        for (alphabetic, numeric, digits) in [
            ("EUR", EUR, 2),
            ("USD", 840, 2),
            ("JPY", JPY, 0),
            ("KWD", KWD, 3),
        ] {
            assert_eq!(alpha(numeric), Some(alphabetic));
            assert_eq!(number(&alphabetic.to_ascii_lowercase()), Some(numeric));
            assert_eq!(exponent(numeric), Some(digits));
        }
        let all: Vec<_> = currencies().collect();
        for listed in [(EUR, "EUR", 2), (JPY, "JPY", 0), (KWD, "KWD", 3)] {
            assert!(all.contains(&listed), "{listed:?}");
        }
        assert!(all.len() > 150 && !all.iter().any(|(number, ..)| *number == 959)); // gold has none
        assert_eq!(alpha(0), None);
        assert_eq!(number("EURO"), None);
    }

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        for (minor, currency, text) in [
            (4470, EUR, "44.70"),
            (7, EUR, "0.07"),
            (0, EUR, "0.00"),
            (500, JPY, "500"),
            (1_234_567, KWD, "1234.567"),
        ] {
            assert_eq!(decimal(minor, currency).as_deref(), Some(text));
            assert_eq!(from_decimal(text, currency), Some(minor));
        }
        assert_eq!(micros(4470, EUR), Some(44_700_000));
        assert_eq!(micros(500, JPY), Some(500_000_000));
        assert_eq!(micros(u64::MAX, EUR), None);
        assert_eq!(json_number(4470, EUR), Some("44.7".parse().unwrap()));
        assert_eq!(json_number(u64::MAX, EUR), None);
    }

    #[test]
    fn only_plain_decimals_are_amounts() {
        for (text, minor) in [
            ("44.7", Some(4470)),
            ("44", Some(4400)),
            ("44.7000", Some(4470)),
            ("44.", Some(4400)),
            ("44.701", None),
            (".5", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("1,000", None),
            ("", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(from_decimal(text, EUR), minor, "{text}");
        }
        assert_eq!(from_json(&json!(44.7), EUR), Some(4470));
        assert_eq!(from_json(&json!("44.70"), EUR), Some(4470));
        assert_eq!(from_json(&json!(44), EUR), Some(4400));
        assert_eq!(from_json(&json!(null), EUR), None);
        assert_eq!(from_json(&json!(0.1 + 0.2), EUR), None);
    }

    proptest! {
        #[test]
        fn every_form_of_an_amount_reads_back(
            minor in 0_u64..1_000_000_000_000,
            which in 0_usize..3,
        ) {
            let currency = [EUR, JPY, KWD][which];
            let text = decimal(minor, currency).unwrap();
            prop_assert_eq!(from_decimal(&text, currency), Some(minor));
            let number = json_number(minor, currency).unwrap();
            let sent = serde_json::to_string(&number).unwrap();
            let read: Value = serde_json::from_str(&sent).unwrap();
            prop_assert_eq!(from_json(&read, currency), Some(minor));
        }
    }
}
