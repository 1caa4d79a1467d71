//! Payment card numbers in texts: so that one typed into the wrong field is never stored.
//!
//! A card number is a run of 12 to 19 digits, in groups separated by single blanks, dashes or
//! dots, with an issuer's prefix, one of that issuer's lengths, and a correct Luhn check digit.
//! All three together, because order numbers, tracking numbers and telephone numbers are runs of
//! digits too and one in ten passes Luhn by accident.

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
pub(super) fn in_text(text: &str) -> bool {
    any_candidate(text, |_, digits| is_card(digits))
}

/// As [`in_text`], for a telephone number: what starts with `+` and has at most 15 digits is one,
/// and so is anything shorter than 14 digits.
pub(super) fn in_phone(text: &str) -> bool {
    any_candidate(text, |follows_plus, digits| {
        let is_phone = digits.len() < 14 || (follows_plus && digits.len() <= PHONE_DIGITS_MAX);
        !is_phone && is_card(digits)
    })
}

/// Tries every run of whole groups of digits, 12 to 19 digits long.
fn any_candidate(text: &str, accept: impl Fn(bool, &[u8]) -> bool) -> bool {
    let mut before = ' ';
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let starts_group = first.is_ascii_digit() && !before.is_ascii_digit();
        if starts_group && group_starts_candidate(rest, |digits| accept(before == '+', digits)) {
            return true;
        }
        before = first;
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    false
}

/// Tries the runs that start at the first digit of `text` and end where a group ends.
fn group_starts_candidate(text: &str, accept: impl Fn(&[u8]) -> bool) -> bool {
    let mut digits = [0_u8; DIGITS_MAX];
    let mut length = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if let Some(digit) = c.to_digit(10) {
            let Some(place) = digits.get_mut(length) else {
                return false;
            };
            #[allow(clippy::cast_possible_truncation)] // below 10
            {
                *place = digit as u8;
            }
            length += 1;
            let next_is_digit = chars.peek().is_some_and(char::is_ascii_digit);
            let run = digits.get(..length).unwrap_or_default();
            if !next_is_digit && length >= DIGITS_MIN && accept(run) {
                return true;
            }
        } else if !matches!(c, ' ' | '-' | '.' | '\u{a0}')
            || !chars.peek().is_some_and(char::is_ascii_digit)
        {
            return false;
        }
    }
    false
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
