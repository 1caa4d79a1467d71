//! Conditions of steps and routes.

use super::Source;
use super::file::{ConditionTable, Names};
use crate::config::ConfigError;
use crate::types::pipeline::{Condition, tag};

/// Tags by name.
pub(super) const TAGS: &[(&str, u8)] = &[
    ("custom_handling", tag::CUSTOM_HANDLING),
    ("multi_line", tag::MULTI_LINE),
    ("split", tag::SPLIT),
];

/// A condition as written → as journaled. `what` says whose it is.
pub(super) fn compile(
    source: &Source<'_>,
    table: &ConditionTable,
    what: &str,
) -> Result<Condition, ConfigError> {
    let always = Condition::default();
    let mut when = Condition {
        amount_min: table.amount_min.unwrap_or(always.amount_min),
        countries: countries(source, &table.countries, what)?,
        countries_except: countries(source, &table.countries_except, what)?,
        channels: table.channels.clone(),
        ..always
    };
    if let Some(given) = &table.amount_max {
        when.amount_max = *given.get_ref();
        if when.amount_max < when.amount_min {
            let message = format!("{what}: `amount_max` is below `amount_min`: it never holds");
            return Err(source.at(given.span(), message));
        }
    }
    for (given, into) in [
        (&table.score_min, &mut when.score_min),
        (&table.score_max, &mut when.score_max),
    ] {
        if let Some(given) = given {
            *into = *given.get_ref();
            if *into > 100 {
                let message = format!("{what}: scores are 0 to 100");
                return Err(source.at(given.span(), message));
            }
        }
    }
    if when.score_max < when.score_min {
        let given = table.score_max.as_ref().or(table.score_min.as_ref());
        let message = format!("{what}: `score_max` is below `score_min`: it never holds");
        return Err(source.at(given.map_or(0..0, toml::Spanned::span), message));
    }
    for name in &table.tags {
        let Some((_, bit)) = TAGS.iter().find(|(tag, _)| tag == name.get_ref()) else {
            let there: Vec<&str> = TAGS.iter().map(|(tag, _)| *tag).collect();
            let message = format!(
                "{what}: there is no tag `{}`; there are {}",
                name.get_ref(),
                there.join(", ")
            );
            return Err(source.at(name.span(), message));
        };
        when.tags |= bit;
    }
    Ok(when)
}

/// ISO 3166-1 alpha-2 codes, as two capital letters.
pub(super) fn countries(
    source: &Source<'_>,
    names: &Names,
    what: &str,
) -> Result<Vec<[u8; 2]>, ConfigError> {
    let code = |text: &str| {
        let code: [u8; 2] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(code)
    };
    let mut codes = Vec::with_capacity(names.len());
    for name in names {
        let Some(code) = code(name.get_ref()) else {
            let message = format!(
                "{what}: `{}` is not a country: two capital letters such as \"DE\"",
                name.get_ref().escape_debug()
            );
            return Err(source.at(name.span(), message));
        };
        codes.push(code);
    }
    Ok(codes)
}

/// True where it holds for every order.
pub(super) fn is_always(when: &Condition) -> bool {
    *when == Condition::default()
}

/// True where `wide` holds for every order for which `narrow` holds (as far as their parts show
/// it one by one).
pub(super) fn covers(wide: &Condition, narrow: &Condition) -> bool {
    fn within<T: PartialEq>(wide: &[T], narrow: &[T]) -> bool {
        wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|one| wide.contains(one)))
    }
    let excluded = |code: &[u8; 2]| {
        narrow.countries_except.contains(code)
            || (!narrow.countries.is_empty() && !narrow.countries.contains(code))
    };
    wide.amount_min <= narrow.amount_min
        && wide.amount_max >= narrow.amount_max
        && within(&wide.countries, &narrow.countries)
        && wide.countries_except.iter().all(excluded)
        && within(&wide.channels, &narrow.channels)
        && wide.score_min <= narrow.score_min
        && wide.score_max >= narrow.score_max
        && wide.tags & !narrow.tags == 0
}
