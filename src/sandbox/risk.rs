//! What the fraud providers of the sandbox think of an order: it is written in the e-mail
//! address, behind a plus sign.

/// The risk that an address asks for, 0 to 100: `ana+risk72@example.com` asks for 72. Any other
/// address has a small one of its own, the same each time.
#[must_use]
pub(super) fn of(email: &str, amount_minor: i64) -> u8 {
    if let Some(text) = tag(email).and_then(|tag| tag.strip_prefix("risk"))
        && let Ok(risk) = text.parse::<u8>()
    {
        return risk.min(100);
    }
    if amount_minor >= 1_000_000 {
        return 70;
    }
    let sum: u32 = email.bytes().map(u32::from).sum();
    u8::try_from(sum % 30).unwrap_or(0)
}

/// What is between the plus sign and the at sign.
#[must_use]
pub(super) fn tag(email: &str) -> Option<&str> {
    let (name, _) = email.split_once('@')?;
    Some(name.split_once('+')?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_asks_for_its_risk() {
        assert_eq!(of("ana+risk72@example.com", 1), 72);
        assert_eq!(of("ana+risk200@example.com", 1), 100);
        assert_eq!(of("ana@example.com", 1_000_000), 70);
        assert!(of("ana@example.com", 4_470) < 30);
        assert_eq!(tag("ana+hold@example.com"), Some("hold"));
        assert_eq!(tag("ana@example.com"), None);
    }
}
