//! The table of `docs/PERFORMANCE.md`, between two markers.

use std::fmt::Write;

use anyhow::{Result, ensure};

use super::{Figure, FiguresReport, RowReport};
use crate::report::grouped;

/// What stands before the table.
pub const BEGIN: &str = "<!-- figures:begin (written by onhand-loadgen figures --markdown) -->";
/// What stands after it.
pub const END: &str = "<!-- figures:end -->";

/// `text` with everything between the markers replaced.
pub fn replace(text: &str, table: &str) -> Result<String> {
    let (begins, ends) = (text.matches(BEGIN).count(), text.matches(END).count());
    ensure!(
        begins == 1 && ends == 1,
        "the markers {BEGIN} and {END} must be there once each"
    );
    let parts = text.split_once(BEGIN).zip(text.split_once(END));
    let Some(((before, _), (to_end, after))) = parts else {
        return Ok(text.to_owned());
    };
    ensure!(to_end.contains(BEGIN), "{END} stands before {BEGIN}");
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

/// Conditions, ceilings of the device, and one line a row.
pub fn table(report: &FiguresReport) -> String {
    let mut text = String::new();
    let conditions = &report.conditions;
    let device = &report.device;
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "\nConditions of every figure: {}; {}. Median of {} runs (lowest–highest), each with a \
         server of its own in a fresh directory.\n\n\
         The bare device in the same minutes: overwriting 4 KiB and fdatasync takes {} µs (p50), \
         {} µs (p99), that is {} a second one after the other; sequential writes of 1 MiB, \
         synced at the end, reach {} MB/s over {} MB.\n\n\
         | load | measured | latency | journal bytes/order | bare loopback | \
         flags of `onhand-loadgen run` |\n\
         |---|---|---|---|---|---|\n",
        conditions.sentence(),
        conditions.load,
        report.runs,
        whole(device.sync_4k_us.p50),
        whole(device.sync_4k_us.p99),
        whole(device.syncs_per_s),
        whole(device.sequential_mb_per_s),
        grouped(device.sequential_mb),
    );
    for row in &report.rows {
        let _ = writeln!(text, "{}", line(row));
    }
    text.push('\n');
    text
}

fn line(row: &RowReport) -> String {
    let find = |name: &str| row.figures.iter().find(|figure| figure.name == name);
    let rate = find("orders/s").map_or_else(
        || "as offered".to_owned(),
        |figure| {
            format!(
                "**{} orders/s** ({})",
                rounded(figure.median),
                range(figure, rounded)
            )
        },
    );
    let latency = ["p50 µs", "p99 µs"]
        .into_iter()
        .filter_map(find)
        .map(|figure| {
            let name = figure.name.trim_end_matches(" µs");
            format!(
                "{name} {} µs ({})",
                whole(figure.median),
                range(figure, whole)
            )
        })
        .collect::<Vec<_>>()
        .join(", ");
    let bytes = find("journal bytes/order")
        .filter(|figure| figure.median > 0.0)
        .map_or_else(|| "–".to_owned(), |figure| format!("{:.1}", figure.median));
    let loopback = row.loopback.map_or_else(
        || "–".to_owned(),
        |loopback| format!("{} orders/s", rounded(loopback.orders_per_s)),
    );
    format!(
        "| {} | {rate} | {latency} | {bytes} | {loopback} | `{}` |",
        row.load, row.flags
    )
}

fn range(figure: &Figure, number: fn(f64) -> String) -> String {
    format!("{}–{}", number(figure.low), number(figure.high))
}

/// A number with thousands set apart.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // never negative, rounded
fn whole(number: f64) -> String {
    grouped(number.round() as u64)
}

/// A large number as people say it.
fn rounded(number: f64) -> String {
    if number >= 1e6 {
        format!("{:.2} M", number / 1e6)
    } else if number >= 1e3 {
        format!("{:.1} k", number / 1e3)
    } else {
        format!("{number:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::Conditions;
    use crate::figures::device::DeviceCeiling;
    use crate::figures::loopback::LoopbackCeiling;

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let text = format!("# Title\n{BEGIN}\nold\n{END}\nafter\n");
        let once = replace(&text, "new\n").unwrap();
        assert_eq!(once, format!("# Title\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(replace(&once, "new\n").unwrap(), once);
        assert!(replace("no markers", "new").is_err());
        assert!(replace(&format!("{END}{BEGIN}"), "new").is_err());
    }

    #[test]
    fn every_row_becomes_a_line_with_its_median_and_its_range() {
        let row = RowReport {
            id: "x",
            load: "batches",
            flags: "--batch=8190".into(),
            figures: vec![
                Figure::of("orders/s", vec![3.0e6, 4.0e6, 3.5e6]),
                Figure::of("p50 µs", vec![1_500.0]),
                Figure::of("p99 µs", vec![9_000.0]),
                Figure::of("journal bytes/order", vec![71.96]),
            ],
            loopback: Some(LoopbackCeiling {
                orders_per_s: 2.5e7,
            }),
            runs: Vec::new(),
        };
        let report = FiguresReport {
            conditions: Conditions::here(1),
            runs: 3,
            device: DeviceCeiling::default(),
            rows: vec![row],
        };
        let text = table(&report);
        assert!(text.contains(
            "| batches | **3.50 M orders/s** (3.00 M–4.00 M) | p50 1,500 µs (1,500–1,500), \
             p99 9,000 µs (9,000–9,000) | 72.0 | 25.00 M orders/s | `--batch=8190` |"
        ));
        assert!(text.contains("Median of 3 runs") && text.contains(&report.conditions.kernel));
    }
}
