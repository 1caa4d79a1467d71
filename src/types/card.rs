//! Payment card numbers in texts: so that one typed into the wrong field is never stored.
//!
//! A card number is a run of 12 to 19 digits, in groups separated by single blanks, dashes or
//! dots, with an issuer's prefix, one of that issuer's lengths, and a correct Luhn check digit.
//! All three together, because order numbers, tracking numbers and telephone numbers are runs of
//! digits too and one in ten passes Luhn by accident.

use std::borrow::Cow;
use std::ops::Range;

/// What stands where a card number stood.
const MASK: &str = "(card number)";
/// Fewest digits of a card number.
const DIGITS_MIN: usize = 12;
/// Most digits of a card number.
const DIGITS_MAX: usize = 19;
/// Most digits of an international telephone number.
const PHONE_DIGITS_MAX: usize = 15;
/// Digits that the ranges below compare.
const PREFIX_DIGITS: usize = 6;

/// First six digits from, to (inclusive), and the fewest and most digits of these cards.
const ISSUERS: &[(u32, u32, usize, usize)] = &[
    (400_000, 499_999, 13, 13), // Visa
    (400_000, 499_999, 16, 16),
    (400_000, 499_999, 19, 19),
    (222_100, 272_099, 16, 16), // Mastercard
    (510_000, 559_999, 16, 16),
    (340_000, 349_999, 15, 15), // American Express
    (370_000, 379_999, 15, 15),
    (300_000, 305_999, 14, 19), // Diners Club
    (309_500, 309_599, 14, 19),
    (360_000, 369_999, 14, 19),
    (380_000, 399_999, 14, 19),
    (601_100, 601_199, 16, 19), // Discover
    (644_000, 659_999, 16, 19),
    (352_800, 358_999, 16, 19), // JCB
    (620_000, 629_999, 16, 19), // UnionPay
    (500_000, 509_999, 12, 19), // Maestro
    (560_000, 589_999, 12, 19),
    (630_400, 630_499, 12, 19),
    (675_900, 676_399, 12, 19),
    (220_000, 220_499, 16, 19), // Mir
    (600_000, 609_999, 16, 16), // RuPay, Hipercard
    (810_000, 829_999, 16, 16),
    (979_200, 979_299, 16, 16), // Troy
];

/// True where `text` has what looks like a card number.
#[must_use]
pub fn in_text(text: &str) -> bool {
    first(text, |_, digits| is_card(digits)).is_some()
}

/// `text` with `(card number)` in place of whatever looks like one: for texts of others that are
/// passed on whatever they hold, such as the message of a payment provider.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    let mut masked = Cow::Borrowed(text);
    while let Some(found) = first(&masked, |_, digits| is_card(digits)) {
        masked.to_mut().replace_range(found, MASK);
    }
    masked
}

/// As [`in_text`], for a telephone number: what starts with `+` and has at most 15 digits is one,
/// and so is anything shorter than 14 digits.
#[must_use]
pub fn in_phone(text: &str) -> bool {
    let is_phone = |follows_plus: bool, digits: &[u8]| {
        digits.len() < 14 || (follows_plus && digits.len() <= PHONE_DIGITS_MAX)
    };
    let found = first(text, |follows_plus, digits| {
        !is_phone(follows_plus, digits) && is_card(digits)
    });
    found.is_some()
}

/// The first run of whole groups of digits, 12 to 19 digits long, that is accepted.
fn first(text: &str, accept: impl Fn(bool, &[u8]) -> bool) -> Option<Range<usize>> {
    let mut before = ' ';
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let starts_group = first.is_ascii_digit() && !before.is_ascii_digit();
        if starts_group && let Some(length) = accepted(rest, |digits| accept(before == '+', digits))
        {
            let start = text.len() - rest.len();
            return Some(start..start + length);
        }
        before = first;
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    None
}

/// Tries the runs that start at the first digit of `text` and end where a group ends: the length of
/// the accepted one in bytes.
fn accepted(text: &str, accept: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let mut digits = [0_u8; DIGITS_MAX];
    let mut length = 0;
    let mut bytes = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        bytes += c.len_utf8();
        if let Some(digit) = c.to_digit(10) {
            let place = digits.get_mut(length)?;
            #[allow(clippy::cast_possible_truncation)] // below 10
            {
                *place = digit as u8;
            }
            length += 1;
            let next_is_digit = chars.peek().is_some_and(char::is_ascii_digit);
            let run = digits.get(..length).unwrap_or_default();
            if !next_is_digit && length >= DIGITS_MIN && accept(run) {
                return Some(bytes);
            }
        } else if !matches!(c, ' ' | '-' | '.' | '\u{a0}')
            || !chars.peek().is_some_and(char::is_ascii_digit)
        {
            return None;
        }
    }
    None
}

fn is_card(digits: &[u8]) -> bool {
    let prefix = digits
        .iter()
        .take(PREFIX_DIGITS)
        .fold(0_u32, |value, digit| value * 10 + u32::from(*digit));
    let is_issued = ISSUERS.iter().any(|&(from, to, fewest, most)| {
        (from..=to).contains(&prefix) && (fewest..=most).contains(&digits.len())
    });
    is_issued && passes_luhn(digits)
}

/// The check digit of ISO/IEC 7812: every second digit from the right counts twice.
fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| {
            let digit = u32::from(digit);
            match (place % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit > 4 => digit * 2 - 9,
                (_, digit) => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_of_every_issuer_are_found_in_any_grouping() {
        for text in [
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4222222222222",
            "card: 5555555555554444.",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "30569309025904",
            "38520000023237",
            "6011111111111117",
            "3530111333300000",
            "6200000000000005",
            "5018000000000009",
            "2200000000000004",
            "12 345 4111 1111 1111 1111",
            "4111 1111 1111 1111 12/29 123",
            "Å4111111111111111Å",
        ] {
            assert!(in_text(text), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_not_taken_for_cards() {
        for text in [
            "4111111111111112",     // Luhn
            "9999999999999995",     // no issuer
            "411111111111111",      // Visa has no 15 digits
            "1Z 999 AA1 0123 4567", // parcel
            "34111111111111111119999999",
            "",
            "tel 0151 2345678",
        ] {
            assert!(!in_text(text), "{text}");
        }
        assert!(!in_text("4111  1111 1111 1111"), "two blanks separate");
    }

    #[test]
    fn telephone_numbers_pass_as_such_and_cards_do_not() {
        // A German mobile number has Visa's old length and prefix; this one passes Luhn too.
        let number = (0..10)
            .map(|last| format!("+49 151 1234567{last}"))
            .find(|number| in_text(number))
            .expect("one in ten");
        assert!(!in_phone(&number));
        assert!(!in_phone("+378282246310005"));
        assert!(in_phone("378282246310005"));
        assert!(in_phone("4111111111111111"));
        assert!(in_phone("+4111111111111111"), "sixteen digits");
    }

    #[test]
    fn every_card_number_of_a_text_is_masked_and_nothing_else() {
        let said = "card 4111 1111 1111 1111, then 5555555555554444; order 4111111111111112";
        let masked_too = "card (card number), then (card number); order 4111111111111112";
        assert_eq!(masked(said), masked_too);
        assert!(matches!(
            masked("Your card was declined."),
            Cow::Borrowed(_)
        ));
    }
}
