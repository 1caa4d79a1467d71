//! What the document says about lengths and ranges of bodies, from the bounds that the code checks.

#![allow(clippy::cast_possible_wrap)] // bounds are far below what fits

use super::recovery::{REDRIVEN_MAX, WAIT_MS_MAX};
use crate::limits::{
    ADDRESS_LINES_MAX, CAMPAIGN_SKUS_MAX, CELL_QUANTITY_MAX, CURRENCY_NUMBER_MAX, HOLD_TTL_MS_MAX,
    LINE_QUANTITY_MAX, NAME_BYTES_MAX, ORDER_ALLOCATIONS_MAX, ORDER_LINES_MAX, ORDER_TOTAL_MAX,
    PAGE_ITEMS_MAX, PROVIDER_MESSAGE_BYTES_MAX, REFERENCE_BYTES_MAX, STOCK_REASON_BYTES_MAX,
};
use serde_json::{Map, Value, json};

/// What a member may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    /// Characters of a text, fewest and most. What the code counts are bytes, so a text of many
    /// bytes a character is refused although it is not longer.
    Text(usize, usize),
    /// A whole number, smallest and largest.
    Number(i64, i64),
    /// Items of a list, fewest and most.
    Items(usize, usize),
}

use Bound::{Items, Number, Text};

const NAME: Bound = Text(1, NAME_BYTES_MAX);
const LOCATION_OR_NONE: Bound = Text(0, NAME_BYTES_MAX);
const REASON: Bound = Text(0, PROVIDER_MESSAGE_BYTES_MAX);
const UNITS: Bound = Number(0, CELL_QUANTITY_MAX as i64);
const UNITS_FROM_1: Bound = Number(1, CELL_QUANTITY_MAX as i64);
const TOTAL: Bound = Number(0, ORDER_TOTAL_MAX as i64);
const CURRENCY: Bound = Number(1, CURRENCY_NUMBER_MAX as i64);
const TTL: Bound = Number(1, HOLD_TTL_MS_MAX as i64);
const VERSION: Bound = Number(1, u16::MAX as i64);
const COORDINATE: Bound = Number(i32::MIN as i64, i32::MAX as i64);

/// Every bound: schema, member, and what it may be.
pub(super) const BOUNDS: &[(&str, &str, Bound)] = &[
    ("Because", "reason", REASON),
    ("Refund", "reason", REASON),
    ("Refund", "amount", TOTAL),
    ("RedriveRequest", "reason", REASON),
    ("RedriveRequest", "limit", Number(1, REDRIVEN_MAX as i64)),
    ("RedriveRequest", "wait_ms", Number(0, WAIT_MS_MAX as i64)),
    ("Rewind", "reason", REASON),
    ("Correction", "reference", Text(1, REFERENCE_BYTES_MAX)),
    ("Shipment", "carrier", LOCATION_OR_NONE),
    ("Shipment", "tracking", LOCATION_OR_NONE),
    ("Line", "sku", NAME),
    ("Line", "quantity", Number(1, LINE_QUANTITY_MAX as i64)),
    ("Line", "location", LOCATION_OR_NONE),
    ("Returned", "lines", Items(0, ORDER_ALLOCATIONS_MAX)),
    ("Confirmed", "lines", Items(0, ORDER_ALLOCATIONS_MAX)),
    ("Extension", "ttl_ms", TTL),
    ("NewOrder", "version", VERSION),
    ("NewOrder", "channel", Number(0, u16::MAX as i64)),
    ("NewOrder", "ttl_ms", TTL),
    ("NewOrder", "currency", CURRENCY),
    ("NewOrder", "total", TOTAL),
    ("NewOrder", "lines", Items(1, ORDER_LINES_MAX)),
    ("Edit", "version", VERSION),
    ("Edit", "ttl_ms", TTL),
    ("Edit", "currency", CURRENCY),
    ("Edit", "total", TOTAL),
    ("Edit", "lines", Items(0, ORDER_LINES_MAX)),
    ("Edit", "shipping_address", Items(1, ADDRESS_LINES_MAX)),
    ("Receipt", "location", NAME),
    ("Receipt", "quantity", UNITS_FROM_1),
    ("Adjustment", "location", NAME),
    (
        "Adjustment",
        "delta",
        Number(-(CELL_QUANTITY_MAX as i64), CELL_QUANTITY_MAX as i64),
    ),
    ("Adjustment", "reason", Text(1, STOCK_REASON_BYTES_MAX)),
    ("Count", "location", NAME),
    ("Count", "on_hand", UNITS),
    ("Count", "expect", UNITS),
    ("Transfer", "from", NAME),
    ("Transfer", "to", NAME),
    ("Transfer", "quantity", UNITS_FROM_1),
    ("BucketMove", "location", NAME),
    ("BucketMove", "quantity", UNITS_FROM_1),
    ("LocationDefinition", "x", COORDINATE),
    ("LocationDefinition", "y", COORDINATE),
    ("LocationDefinition", "priority", Number(0, u16::MAX as i64)),
    ("NewChannel", "name", NAME),
    ("NewRule", "units", UNITS),
    ("NewCampaign", "name", NAME),
    ("NewCampaign", "items", Items(1, CAMPAIGN_SKUS_MAX)),
    ("NewCampaignItem", "sku", NAME),
    ("NewCampaignItem", "units", UNITS_FROM_1),
    ("Mappings", "mappings", Items(1, PAGE_ITEMS_MAX as usize)),
];

/// Writes the bounds into the schemas of the document.
pub(super) fn apply(schemas: &mut Map<String, Value>) {
    for (schema, member, bound) in BOUNDS {
        let found = schemas
            .get_mut(*schema)
            .and_then(|schema| schema.get_mut("properties")?.get_mut(*member))
            .and_then(Value::as_object_mut);
        if let Some(property) = found {
            let [low, high] = keywords(*bound);
            // The smallest length of all needs no word.
            let is_plain = matches!(bound, Text(0, _) | Items(0, _));
            for (keyword, value) in [low, high].into_iter().skip(usize::from(is_plain)) {
                property.insert(keyword.to_owned(), value);
            }
        }
    }
}

fn keywords(bound: Bound) -> [(&'static str, Value); 2] {
    match bound {
        Text(low, high) => [("minLength", json!(low)), ("maxLength", json!(high))],
        Number(low, high) => [("minimum", json!(low)), ("maximum", json!(high))],
        Items(low, high) => [("minItems", json!(low)), ("maxItems", json!(high))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::v1::openapi::document;

    #[test]
    fn every_bound_is_about_a_member_that_is_there() {
        let document = document();
        for (schema, member, bound) in BOUNDS {
            let property = &document["components"]["schemas"][schema]["properties"][member];
            let (keyword, value) = &keywords(*bound)[1];
            assert_eq!(&property[keyword], value, "{schema}.{member}");
        }
    }

    #[test]
    fn no_bound_is_written_beside_the_table() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gateway/v1");
        let attributes = [
            "max_length",
            "min_length",
            "maximum =",
            "minimum =",
            "_items =",
        ];
        for entry in std::fs::read_dir(folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() || path.ends_with("bounds.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source");
            let bad = text.lines().find(|line| {
                line.trim_start().starts_with("#[schema(")
                    && attributes.iter().any(|it| line.contains(it))
            });
            assert_eq!(
                bad,
                None,
                "{}: bounds belong into bounds.rs",
                path.display()
            );
        }
    }
}
