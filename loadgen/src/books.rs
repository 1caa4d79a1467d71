//! The client's own books, and the comparison with the server's.

use onhand::wire::reply::CellValues;

use crate::tally::Counts;

/// Most discrepancies named one by one.
const NAMED_MAX: usize = 5;

/// What the acknowledgements of a run add up to, by index of the SKU.
#[derive(Clone, Debug)]
pub struct Books {
    reserved: Vec<i64>,
    committed: Vec<i64>,
}

/// The outcome of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct BooksReport {
    /// SKUs compared.
    pub skus: usize,
    /// Units that the acknowledgements say are held or sold.
    pub units: i64,
    /// The discrepancies, the first few in words.
    pub discrepancies: Vec<String>,
    /// How many discrepancies there are.
    pub wrong: usize,
}

impl Books {
    /// Books of a run over this many SKUs.
    pub fn new(skus: u32) -> Self {
        Self {
            reserved: vec![0; skus as usize],
            committed: vec![0; skus as usize],
        }
    }

    /// Units were acknowledged as held.
    #[inline]
    pub fn hold(&mut self, sku: u32, units: u32) {
        if let Some(reserved) = self.reserved.get_mut(sku as usize) {
            *reserved += i64::from(units);
        }
    }

    /// Held units were acknowledged as released.
    pub fn release(&mut self, sku: u32, units: u32) {
        if let Some(reserved) = self.reserved.get_mut(sku as usize) {
            *reserved -= i64::from(units);
        }
    }

    /// Held units were acknowledged as sold.
    pub fn confirm(&mut self, sku: u32, units: u32) {
        self.release(sku, units);
        if let Some(committed) = self.committed.get_mut(sku as usize) {
            *committed += i64::from(units);
        }
    }

    /// Compares with the server's quantities before and after the run, SKU by SKU.
    pub fn compare(&self, before: &[CellValues], after: &[CellValues]) -> BooksReport {
        let mut report = BooksReport {
            skus: self.reserved.len(),
            ..BooksReport::default()
        };
        if before.len() != report.skus || after.len() != report.skus {
            report.add(|| "the server's answer does not cover every SKU".into());
            return report;
        }
        let told = self.reserved.iter().zip(&self.committed);
        for (sku, ((&reserved, &committed), (was, is))) in
            told.zip(before.iter().zip(after)).enumerate()
        {
            report.units += reserved + committed;
            let change = |is: u32, was: u32| i64::from(is) - i64::from(was);
            let mut expect = |what: &str, found: i64, expected: i64| {
                if found != expected {
                    report.add(|| format!("SKU {sku}: {what} {found}, expected {expected}"));
                }
            };
            expect(
                "reserved grew by",
                change(is.reserved, was.reserved),
                reserved,
            );
            expect(
                "committed grew by",
                change(is.committed, was.committed),
                committed,
            );
            expect("on hand grew by", change(is.on_hand, was.on_hand), 0);
            let promised = u64::from(is.reserved) + u64::from(is.committed);
            let unavailable =
                u64::from(is.safety) + u64::from(is.damaged) + u64::from(is.quality_control);
            let free = i64::from(is.on_hand) - i64::try_from(promised + unavailable).unwrap_or(0);
            expect("available is", i64::from(is.available), free.max(0));
            if free < 0 || is.short > 0 {
                report.add(|| {
                    format!(
                        "SKU {sku} is oversold: {promised} promised, {} on hand",
                        is.on_hand
                    )
                });
            }
        }
        report
    }
}

impl BooksReport {
    fn add(&mut self, describe: impl FnOnce() -> String) {
        self.wrong += 1;
        if self.discrepancies.len() < NAMED_MAX {
            self.discrepancies.push(describe());
        }
    }

    /// Every offered order must have been answered exactly once.
    pub fn check_counts(&mut self, counts: &Counts) {
        if counts.answered() != counts.offered {
            self.add(|| {
                format!(
                    "{} orders offered, but {} answered",
                    counts.offered,
                    counts.answered()
                )
            });
        }
    }

    /// True without a discrepancy.
    pub fn is_right(&self) -> bool {
        self.wrong == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(on_hand: u32, reserved: u32, committed: u32) -> CellValues {
        CellValues {
            on_hand,
            reserved,
            committed,
            available: on_hand.saturating_sub(reserved + committed),
            ..CellValues::default()
        }
    }

    /// Two SKUs: 3 units held of the first; 5 held of the second, of which 2 sold and 1 released.
    fn books() -> Books {
        let mut books = Books::new(2);
        books.hold(0, 3);
        books.hold(1, 5);
        books.confirm(1, 2);
        books.release(1, 1);
        books
    }

    #[test]
    fn books_that_match_are_right_whatever_was_there_before() {
        let before = [cell(10, 1, 0), cell(10, 0, 4)];
        let report = books().compare(&before, &[cell(10, 4, 0), cell(10, 2, 6)]);
        assert!(report.is_right(), "{report:?}");
        assert_eq!((report.skus, report.units), (2, 7));
    }

    type Plant = fn(&mut CellValues);

    #[test]
    fn every_planted_error_is_found_and_named() {
        let before = [cell(10, 1, 0), cell(10, 0, 4)];
        let right = [cell(10, 4, 0), cell(10, 2, 6)];
        let planted: [(&str, Plant); 5] = [
            ("reserved grew by 4, expected 3", |cell| cell.reserved += 1),
            ("committed grew by 1, expected 0", |cell| {
                cell.committed += 1;
            }),
            ("on hand grew by -1, expected 0", |cell| cell.on_hand -= 1),
            ("available is 7, expected 6", |cell| cell.available += 1),
            ("oversold", |cell| cell.short = 1),
        ];
        for (words, plant) in planted {
            let mut after = right;
            plant(&mut after[0]);
            let report = books().compare(&before, &after);
            assert!(!report.is_right());
            assert!(
                report.discrepancies.concat().contains(words),
                "{words}: {report:?}"
            );
        }
        let report = books().compare(&before, &right[..1]);
        assert!(!report.is_right(), "a SKU left out is an error");
    }

    #[test]
    fn more_promised_than_there_is_is_oversold() {
        let mut books = Books::new(1);
        books.hold(0, 11);
        let report = books.compare(&[cell(10, 0, 0)], &[cell(10, 11, 0)]);
        assert!(
            report
                .discrepancies
                .concat()
                .contains("11 promised, 10 on hand"),
            "{report:?}"
        );
    }

    #[test]
    fn an_order_without_an_answer_is_a_discrepancy() {
        let mut report = BooksReport::default();
        report.check_counts(&Counts {
            offered: 2,
            accepted: 1,
            rejected: 1,
            ..Counts::default()
        });
        assert!(report.is_right());
        report.check_counts(&Counts {
            offered: 3,
            accepted: 1,
            rejected: 1,
            ..Counts::default()
        });
        assert!(!report.is_right());
    }
}
