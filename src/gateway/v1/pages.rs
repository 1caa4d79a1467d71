//! Pages of lists: `limit`, `after`, and the state to keep.

use crate::gateway::problem::Problem;
use crate::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::types::{OrderState, ResultCode};
use serde_json::{Value, json};

/// What the query of a list says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Orders of one page, at most.
    pub limit: u16,
    /// Where it begins.
    pub after: u64,
    /// Only orders in this state.
    pub state: Option<OrderState>,
}

impl Page {
    /// Reads a query string.
    ///
    /// # Errors
    /// Names the parameter and what it may be; an unknown one is refused as well.
    pub fn of(query: Option<&str>, takes_state: bool) -> Result<Self, Problem> {
        let mut page = Self {
            limit: PAGE_ITEMS_DEFAULT,
            after: 0,
            state: None,
        };
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "limit" => page.limit = limit(&value)?,
                "after" => page.after = cursor(&value)?,
                "state" if takes_state => page.state = Some(state(&value)?),
                other => {
                    let detail = format!("there is no parameter `{}`", other.escape_debug());
                    return Err(Problem::bad_request(detail));
                }
            }
        }
        Ok(page)
    }
}

/// The answer of a list: the items under their name, and where the next page begins.
pub(super) fn page(name: &str, items: Vec<Value>, next: u64) -> Value {
    let next = (next != 0).then(|| format!("{next:x}"));
    let mut page = json!({ "next": next });
    if let Value::Object(members) = &mut page {
        members.insert(name.to_owned(), Value::Array(items));
    }
    page
}

fn limit(text: &str) -> Result<u16, Problem> {
    let found = text
        .parse()
        .ok()
        .filter(|limit| (1..=PAGE_ITEMS_MAX).contains(limit));
    found.ok_or_else(|| Problem::bad_request(format!("`limit` must be 1 to {PAGE_ITEMS_MAX}")))
}

fn cursor(text: &str) -> Result<u64, Problem> {
    let bad = |_| Problem::bad_request("`after` must be the `next` of an earlier page");
    u64::from_str_radix(text, 16).map_err(bad)
}

fn state(text: &str) -> Result<OrderState, Problem> {
    let name = text.to_ascii_uppercase().replace('-', "_");
    let states = || (0..=u8::MAX).filter_map(OrderState::from_u8);
    let found = states().find(|state| state.name() == name);
    found.ok_or_else(|| {
        let known: Vec<&str> = states().map(OrderState::name).collect();
        let detail = format!("`state` must be one of {}", known.join(", "));
        Problem::refused(ResultCode::InvalidField, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_of_lists_are_read_and_bad_ones_refused() {
        let page = Page::of(Some("limit=500&after=1f&state=review"), true).expect("a page");
        let state = Some(OrderState::Review);
        assert_eq!((page.limit, page.after, page.state), (500, 31, state));
        assert_eq!(
            Page::of(None, true).expect("a page").limit,
            PAGE_ITEMS_DEFAULT
        );
        for bad in [
            "limit=0",
            "limit=501",
            "limit=x",
            "after=zz",
            "state=LOST",
            "page=2",
        ] {
            assert!(Page::of(Some(bad), true).is_err(), "{bad}");
        }
        assert!(Page::of(Some("state=REVIEW"), false).is_err());
    }

    #[test]
    fn the_last_page_has_no_next() {
        assert_eq!(
            page("orders", vec![], 0),
            json!({"next": null, "orders": []})
        );
        assert_eq!(
            page("orders", vec![], 31),
            json!({"next": "1f", "orders": []})
        );
    }
}
