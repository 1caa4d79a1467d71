//! Which properties an object may and must have, and what it is known by.

use super::super::shape::Object;

/// Kinds of objects, their unique property and what a new one must have.
pub(super) const KINDS: [(&str, &str, &[&str]); 3] = [
    ("contacts", "email", &[]),
    ("orders", "", &["hs_order_name"]),
    ("deals", "", &["dealname", "dealstage"]),
];

/// Why an input was refused: category and message.
pub(super) type Refusal = (&'static str, String);

pub(super) fn known(kind: &str) -> bool {
    KINDS.iter().any(|(name, ..)| *name == kind)
}

pub(super) fn singular(kind: &str) -> &'static str {
    match kind {
        "contacts" => "contact",
        "orders" => "crm_order",
        _ => "deal",
    }
}

/// What a read shows of an object without being asked for more.
pub(super) fn shown_by_default(kind: &str) -> &'static [&'static str] {
    match kind {
        "contacts" => &["email", "firstname", "lastname"],
        "orders" => &["hs_order_name"],
        _ => &["dealname", "amount", "dealstage", "pipeline", "closedate"],
    }
}

/// What a reader of the ledger knows an object by.
pub(super) fn reference(properties: &Object) -> String {
    let named = ["email", "hs_order_name", "dealname"];
    let found = named
        .iter()
        .find_map(|name| properties.get(*name)?.as_str());
    found.unwrap_or("").to_owned()
}

/// E-mail addresses are compared without regard to case.
pub(super) fn unique_form(property: &str, value: &str) -> String {
    match property {
        "email" => value.to_lowercase(),
        _ => value.to_owned(),
    }
}

/// Internal names are lower case, so anything else names no property.
pub(super) fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    for name in names {
        if name.is_empty() || !name.chars().all(allowed) {
            let message = format!("Property \"{name}\" does not exist");
            return Err(("PROPERTY_DOESNT_EXIST", message));
        }
    }
    Ok(())
}

pub(super) fn check_properties(properties: &Object) -> Result<(), Refusal> {
    check_names(properties.keys().map(String::as_str))?;
    let email = properties
        .get("email")
        .map(|email| email.as_str().unwrap_or(""));
    if let Some(email) = email
        && !email
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
    {
        let message = "Property values were not valid: email address is invalid".to_owned();
        return Err(("VALIDATION_ERROR", message));
    }
    let nested = properties
        .iter()
        .find(|(_, value)| value.is_object() || value.is_array());
    match nested {
        Some((name, _)) => Err((
            "VALIDATION_ERROR",
            format!("{name}: a plain value is needed"),
        )),
        None => Ok(()),
    }
}

pub(super) fn check_required(kind: &str, properties: &Object) -> Result<(), Refusal> {
    let required = KINDS
        .iter()
        .find(|(name, ..)| *name == kind)
        .map_or(&[][..], |kind| kind.2);
    let missing = required
        .iter()
        .find(|name| !properties.contains_key(**name));
    match missing {
        Some(name) => Err((
            "VALIDATION_ERROR",
            format!("{name}: the property is required"),
        )),
        None => Ok(()),
    }
}
