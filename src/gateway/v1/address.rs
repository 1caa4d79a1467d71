//! Where an order is to go, given apart from its other details.

use crate::gateway::problem::Problem;
use crate::limits::ADDRESS_LINES_MAX;
use crate::types::{OrderDetails, ResultCode, card};

/// The member with the lines of an address.
pub(super) const LINES: &str = "shipping_address";

/// The member with its country.
pub(super) const COUNTRY: &str = "country";

/// What was given of an address.
#[derive(Clone, Debug, Default)]
pub(super) struct Destination {
    pub lines: Option<Vec<String>>,
    pub country: Option<String>,
}

impl Destination {
    /// True where there is anything of an address.
    pub const fn is_given(&self) -> bool {
        self.lines.is_some() || self.country.is_some()
    }

    /// Refuses what no order could carry, whatever it has by now.
    ///
    /// # Errors
    /// `DETAILS_MALFORMED` or `CARD_NUMBER`, with the `member` that is wrong.
    pub fn check(&self) -> Result<(), Problem> {
        if let Some(lines) = &self.lines {
            check_lines(lines)?;
        }
        match &self.country {
            Some(country) if !is_country(country) => {
                let detail = "`country` must be two capital letters, such as ES; nothing was done";
                Err(refused(ResultCode::DetailsMalformed, COUNTRY, detail))
            }
            _ => Ok(()),
        }
    }

    /// Details with what was given in place of theirs.
    pub fn merged_into(self, details: Option<OrderDetails>) -> Option<OrderDetails> {
        if !self.is_given() {
            return details;
        }
        let kept = details.unwrap_or_default();
        Some(OrderDetails {
            shipping_address: self.lines.unwrap_or(kept.shipping_address),
            country: self.country.unwrap_or(kept.country),
            ..kept
        })
    }
}

fn check_lines(lines: &[String]) -> Result<(), Problem> {
    if lines.is_empty() || lines.len() > ADDRESS_LINES_MAX {
        let detail =
            format!("`{LINES}` must have 1 to {ADDRESS_LINES_MAX} lines; nothing was done");
        return Err(refused(ResultCode::DetailsMalformed, LINES, detail));
    }
    for (number, line) in (1..).zip(lines) {
        let fault = if line.trim().is_empty() {
            "is blank"
        } else if line.chars().any(char::is_control) {
            "has a control character"
        } else if card::in_text(line) {
            let detail = format!(
                "line {number} of `{LINES}` has what looks like a payment card number; nothing \
                 was done"
            );
            return Err(refused(ResultCode::CardNumber, LINES, detail));
        } else {
            continue;
        };
        let detail = format!("line {number} of `{LINES}` {fault}; nothing was done");
        return Err(refused(ResultCode::DetailsMalformed, LINES, detail));
    }
    Ok(())
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A refusal that says which member of the body is wrong.
pub(super) fn refused(
    code: ResultCode,
    member: &'static str,
    detail: impl Into<String>,
) -> Problem {
    Problem::refused(code, detail).with("member", member)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(lines: &[&str], country: &str) -> Destination {
        Destination {
            lines: Some(lines.iter().map(ToString::to_string).collect()),
            country: Some(country.to_owned()),
        }
    }

    #[test]
    fn what_no_order_could_carry_is_refused_with_the_member_that_is_wrong() {
        let many = vec!["x"; ADDRESS_LINES_MAX + 1];
        let (ok, malformed) = ("ES", ResultCode::DetailsMalformed);
        let sol = "Calle Sol 4";
        for (destination, code, member) in [
            (given(&[], ok), malformed, LINES),
            (given(&many, ok), malformed, LINES),
            (given(&[sol, " \t"], ok), malformed, LINES),
            (given(&["Calle\nSol 4"], ok), malformed, LINES),
            (
                given(&["4242 4242 4242 4242"], ok),
                ResultCode::CardNumber,
                LINES,
            ),
            (given(&[sol], ""), malformed, COUNTRY),
            (given(&[sol], "es"), malformed, COUNTRY),
            (given(&[sol], "ESP"), malformed, COUNTRY),
            (given(&[sol], "É"), malformed, COUNTRY),
        ] {
            let problem = destination.check().expect_err("refused");
            assert_eq!(problem.code, code.name(), "{destination:?}");
            assert_eq!(problem.more["member"], member, "{destination:?}");
        }
        assert!(given(&many[1..], ok).check().is_ok());
        assert!(Destination::default().check().is_ok());
    }

    #[test]
    fn what_is_not_given_stays_as_it_is() {
        let kept = OrderDetails {
            phone: "+34600000000".to_owned(),
            shipping_address: vec!["Old Street 1".to_owned()],
            country: "GB".to_owned(),
            ..OrderDetails::default()
        };
        let merged = given(&["Calle Sol 4", "28013 Madrid"], "ES").merged_into(Some(kept.clone()));
        let merged = merged.expect("details");
        assert_eq!(merged.shipping_address, ["Calle Sol 4", "28013 Madrid"]);
        assert_eq!((&*merged.country, &merged.phone), ("ES", &kept.phone));
        let country = Destination {
            country: Some("IE".to_owned()),
            lines: None,
        };
        let merged = country.merged_into(Some(kept.clone())).expect("details");
        assert_eq!(merged.shipping_address, kept.shipping_address);
        assert_eq!(merged.country, "IE");
        let none = Destination::default();
        assert_eq!(none.clone().merged_into(Some(kept.clone())), Some(kept));
        assert_eq!(none.merged_into(None), None);
        assert!(given(&["Calle Sol 4"], "ES").merged_into(None).is_some());
    }
}
