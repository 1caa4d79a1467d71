//! Amounts as providers write them, to minor units and back, without binary floats.

/// How many digits of a currency are behind the point.
#[must_use]
pub fn digits(currency: &str) -> u32 {
    let zero = [
        "clp", "isk", "jpy", "krw", "pyg", "ugx", "vnd", "xaf", "xof",
    ];
    let three = ["bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"];
    let lower = currency.to_ascii_lowercase();
    if zero.contains(&lower.as_str()) {
        0
    } else if three.contains(&lower.as_str()) {
        3
    } else {
        2
    }
}

/// The minor units of a decimal text such as `44.7`; `None` where it is no amount of the
/// currency (`44.705` of one with two digits).
#[must_use]
pub fn minor(text: &str, currency: &str) -> Option<i64> {
    scaled(text, digits(currency))
}

/// A decimal text times ten to the power of `digits`; `None` where that is no whole number.
#[must_use]
pub fn scaled(text: &str, digits: u32) -> Option<i64> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    let digits = usize::try_from(digits).ok()?;
    let sound = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !sound(whole) || !sound(part) || part.len() > digits {
        return None;
    }
    let amount: i64 = format!("{whole}{part:0<digits$}").parse().ok()?;
    Some(sign * amount)
}

/// An amount in minor units as decimal text: `44.70`.
#[must_use]
pub fn decimal(minor: i64, currency: &str) -> String {
    let digits = digits(currency);
    let unit = 10_u64.pow(digits);
    let (sign, size) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    if digits == 0 {
        return format!("{sign}{size}");
    }
    let width = usize::try_from(digits).unwrap_or(2);
    format!("{sign}{}.{:0width$}", size / unit, size % unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_minor_units_and_back_without_rounding() {
        assert_eq!(minor("44.7", "EUR"), Some(4470));
        assert_eq!(minor("44.70", "eur"), Some(4470));
        assert_eq!(minor("44", "JPY"), Some(44));
        assert_eq!(minor("44.705", "EUR"), None);
        assert_eq!(minor("44.500", "KWD"), Some(44500));
        assert_eq!(minor("-0.05", "EUR"), Some(-5));
        for wrong in ["", ".5", "1e3", "x", "1.2.3", "9999999999999999999"] {
            assert_eq!(minor(wrong, "EUR"), None, "{wrong}");
        }
        assert_eq!(decimal(-5, "EUR"), "-0.05");
        assert_eq!(decimal(4470, "EUR"), "44.70");
        assert_eq!(decimal(44, "JPY"), "44");
    }
}
