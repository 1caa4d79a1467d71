//! Buyers' texts, made fit for order details: no control characters, no card numbers, bounded.

use super::document::Field;
use crate::types::{OrderDetails, card};

/// Longest text taken over into a field, in bytes.
const TEXT_BYTES_MAX: usize = 200;

/// Longest instructions taken over, in bytes.
const NOTE_BYTES_MAX: usize = 500;

/// A text on one line, cut at a character.
pub fn line(text: &str) -> String {
    bounded(text, TEXT_BYTES_MAX)
}

/// Instructions, on one line.
pub fn note(text: &str) -> String {
    bounded(text, NOTE_BYTES_MAX)
}

/// A telephone number; nothing where it looks like a payment card's.
pub fn phone(text: &str) -> String {
    let text = cleaned(text);
    if card::in_phone(&text) {
        return String::new();
    }
    cut(text, TEXT_BYTES_MAX)
}

/// The two letters of a country; empty where it is anything else.
pub fn country(text: &str) -> String {
    let text = text.trim().to_ascii_uppercase();
    let sound = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    if sound { text } else { String::new() }
}

/// First and last name, or either.
pub fn name(first: &Field<'_>, last: &Field<'_>) -> String {
    let both = format!("{} {}", first.text_or_empty(), last.text_or_empty());
    line(both.trim())
}

/// Address lines: those given, then the one of the place, without empty ones.
pub fn address(streets: &[String], city: &str, state: &str, postcode: &str) -> Vec<String> {
    let locality = match (state.trim(), postcode.trim()) {
        ("", "") => city.trim().to_owned(),
        ("", postcode) => format!("{} {postcode}", city.trim()),
        (state, "") => format!("{}, {state}", city.trim()),
        (state, postcode) => format!("{}, {state} {postcode}", city.trim()),
    };
    let lines = streets
        .iter()
        .chain([&locality])
        .map(|text| line(text.trim()));
    lines.filter(|line| !line.is_empty()).collect()
}

/// Details with what every marketplace's order has.
pub fn details(order_id: &str, unit_prices: Vec<u64>) -> OrderDetails {
    OrderDetails {
        external_id: cut(cleaned(order_id), TEXT_BYTES_MAX),
        unit_prices,
        ..OrderDetails::default()
    }
}

fn bounded(text: &str, bytes: usize) -> String {
    cut(card::masked(&cleaned(text)).into_owned(), bytes)
}

fn cleaned(text: &str) -> String {
    let blank = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().map(blank).collect()
}

fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lose_control_characters_card_numbers_and_excess() {
        assert_eq!(line(" Ana\n\tRuiz "), "Ana  Ruiz");
        assert_eq!(line("4111 1111 1111 1111"), "(card number)");
        assert_eq!(line(&"é".repeat(200)).len(), TEXT_BYTES_MAX);
        assert_eq!(phone("4111111111111111"), "");
        assert_eq!(phone("+34 600 000 000"), "+34 600 000 000");
        assert_eq!(country("es"), "ES");
        assert_eq!(country("Spain"), "");
    }

    #[test]
    fn the_place_is_the_last_line_of_an_address() {
        let street = ["Calle Sol 4".to_owned(), String::new()];
        for (parts, last) in [
            (["Madrid", "", "28013"], "Madrid 28013"),
            (["Toronto", "ON", "K1A 0B1"], "Toronto, ON K1A 0B1"),
            (["Perth", "WA", ""], "Perth, WA"),
            (["Dublin", "", ""], "Dublin"),
        ] {
            let [city, state, postcode] = parts;
            let lines = address(&street, city, state, postcode);
            assert_eq!(lines, ["Calle Sol 4", last]);
        }
        assert!(address(&[], "", "", "").is_empty());
    }
}
