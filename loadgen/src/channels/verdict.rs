//! What is asked of a figure, and whether it is met: said beside it, and never an error of the run.
//! Only what is wrong is one (a lost order, a guaranteed unit sold twice): times are the machine's.

use std::fmt;

/// A bound of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asked {
    AtLeast(f64),
    AtMost(f64),
}

/// A figure against its bound, in words such as `asked <= 10: met`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    asked: Asked,
    /// `None`: there is no figure.
    is_met: Option<bool>,
}

impl Asked {
    /// Holds a figure against the bound; what was not measured is not a number, or none.
    pub fn of(self, figure: Option<f64>) -> Verdict {
        let is_met = figure
            .filter(|figure| !figure.is_nan())
            .map(|figure| match self {
                Self::AtLeast(bound) => figure >= bound,
                Self::AtMost(bound) => figure <= bound,
            });
        Verdict {
            asked: self,
            is_met,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.asked {
            Asked::AtLeast(bound) => write!(f, "asked >= {bound}: ")?,
            Asked::AtMost(bound) => write!(f, "asked <= {bound}: ")?,
        }
        f.write_str(match self.is_met {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "not measured",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_met_at_itself_and_what_was_not_measured_is_said_so() {
        let said = |asked: Asked, figure| asked.of(figure).to_string();
        assert_eq!(said(Asked::AtLeast(0.9), Some(0.9)), "asked >= 0.9: met");
        assert_eq!(
            said(Asked::AtLeast(0.9), Some(0.89)),
            "asked >= 0.9: NOT MET"
        );
        assert_eq!(said(Asked::AtMost(10.0), Some(10.0)), "asked <= 10: met");
        assert_eq!(
            said(Asked::AtMost(100.0), Some(f64::INFINITY)),
            "asked <= 100: NOT MET"
        );
        for none in [None, Some(f64::NAN)] {
            assert_eq!(said(Asked::AtMost(0.0), none), "asked <= 0: not measured");
        }
    }
}
