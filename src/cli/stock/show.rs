//! `onhand stock show`: quantities now, cell by cell.

use super::movement::cell_json;
use crate::cli::output::{print, table};
use crate::cli::session::{LocationNames, Session};
use crate::types::{LocationId, SkuId};
use crate::wire::reply::CellValues;

/// One cell, owned.
struct Row {
    sku: String,
    location: LocationId,
    values: CellValues,
}

pub(super) fn show(session: &mut Session, names: &[String], limit: usize) -> anyhow::Result<()> {
    let (skus, next) = if names.is_empty() {
        let (rows, next) = session.sku_page(0, limit)?;
        let skus = rows.into_iter().map(|row| (row.sku, row.name)).collect();
        (skus, next)
    } else {
        (session.skus(names)?, None)
    };
    let rows = query(session, &skus)?;
    let locations = session.location_names()?;
    if session.json() {
        let cells: Vec<_> = rows
            .iter()
            .map(|row| {
                let mut value = cell_json(&row.values);
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("sku".into(), row.sku.clone().into());
                    fields.insert("location".into(), locations.of(row.location).into());
                }
                value
            })
            .collect();
        print(serde_json::json!({ "cells": cells }))?;
        return Ok(());
    }
    print(render(&skus, &rows, &locations))?;
    if next.is_some() {
        eprintln!("{} SKUs shown; name others, or raise --limit", skus.len());
    }
    Ok(())
}

fn query(session: &mut Session, skus: &[(SkuId, String)]) -> anyhow::Result<Vec<Row>> {
    let handles: Vec<_> = skus.iter().map(|(sku, _)| *sku).collect();
    let answers = session.connection.query_stock(&handles)?;
    let mut rows = Vec::new();
    for ((_, name), answer) in skus.iter().zip(answers) {
        rows.extend(answer.cells.into_iter().map(|cell| Row {
            sku: name.clone(),
            location: cell.location,
            values: cell.values,
        }));
    }
    Ok(rows)
}

fn render(skus: &[(SkuId, String)], rows: &[Row], locations: &LocationNames) -> String {
    let heading = [
        "SKU",
        "LOCATION",
        "ON HAND",
        "AVAILABLE",
        "RESERVED",
        "COMMITTED",
        "SAFETY",
        "DAMAGED",
        "QUALITY CONTROL",
        "SHORT",
    ];
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            let values = &row.values;
            let mut cells = vec![row.sku.clone(), locations.of(row.location)];
            cells.extend(
                [
                    values.on_hand,
                    values.available,
                    values.reserved,
                    values.committed,
                    values.safety,
                    values.damaged,
                    values.quality_control,
                ]
                .map(|number| number.to_string()),
            );
            cells.push(values.short.to_string());
            cells
        })
        .collect();
    if cells.is_empty() {
        let names: Vec<_> = skus.iter().map(|(_, name)| name.as_str()).collect();
        return match names.as_slice() {
            [] => "No SKU is defined.".to_owned(),
            [name] => format!("{name} has no stock anywhere."),
            _ => "None of these SKUs has stock anywhere.".to_owned(),
        };
    }
    table(&heading, &cells)
}
