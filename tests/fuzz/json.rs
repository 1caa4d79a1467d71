//! Edits of JSON: what a marketplace that changed its mind sends.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// One edit of the value at a place of the document, counted from its root in the order of writing
/// and taken modulo the number of values.
#[derive(Clone, Debug)]
pub enum JsonEdit {
    Replace {
        at: usize,
        with: usize,
    },
    Remove {
        at: usize,
    },
    /// An element of a list stands there so many times.
    Repeat {
        at: usize,
        times: usize,
    },
}

/// What stands where something else is expected.
fn values() -> Vec<Value> {
    let deep = (0..100).fold(json!(null), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(65),
        json!(u32::MAX),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(0.1),
        json!(1e300),
        json!(""),
        json!("0"),
        json!("-1"),
        json!("1.005"),
        json!("99999999999999999999999"),
        json!("NaN"),
        json!("EUR"),
        json!("ZZZ"),
        json!("cancelled"),
        json!("2026-02-30T00:00:00Z"),
        json!("9999-12-31T23:59:59+23:59"),
        json!("\u{0}\u{202e}\u{1F9C1}"),
        json!("x".repeat(5_000)),
        json!([]),
        json!([null]),
        json!({}),
        json!({"id": 1}),
        deep,
    ]
}

fn edit() -> impl Strategy<Value = JsonEdit> {
    let at = any::<usize>();
    prop_oneof![
        6 => (at, any::<usize>()).prop_map(|(at, with)| JsonEdit::Replace { at, with }),
        2 => at.prop_map(|at| JsonEdit::Remove { at }),
        1 => (at, 2..70_usize).prop_map(|(at, times)| JsonEdit::Repeat { at, times }),
    ]
}

/// None to four edits.
pub fn edits() -> impl Strategy<Value = Vec<JsonEdit>> {
    vec(edit(), 0..5)
}

/// The document after these edits.
pub fn apply(document: &Value, edits: &[JsonEdit]) -> Value {
    let mut document = document.clone();
    let values = values();
    for edit in edits {
        let count = count(&document);
        let (JsonEdit::Replace { at, .. } | JsonEdit::Remove { at } | JsonEdit::Repeat { at, .. }) =
            edit;
        let mut left = at % count;
        change(&mut document, &mut left, edit, &values);
    }
    document
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Walks to the value at `left` and changes it where its parent can be reached; true once done.
fn change(value: &mut Value, left: &mut usize, edit: &JsonEdit, values: &[Value]) -> bool {
    if *left == 0 {
        if let JsonEdit::Replace { with, .. } = edit {
            *value = values[with % values.len()].clone();
        }
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(list) => {
            for place in 0..list.len() {
                let here = *left == 0;
                match edit {
                    JsonEdit::Remove { .. } if here => {
                        list.remove(place);
                        return true;
                    }
                    JsonEdit::Repeat { times, .. } if here => {
                        let again = list[place].clone();
                        list.splice(place..place, std::iter::repeat_n(again, times - 1));
                        return true;
                    }
                    _ if change(&mut list[place], left, edit, values) => return true,
                    _ => {}
                }
            }
        }
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            for name in names {
                if *left == 0 && matches!(edit, JsonEdit::Remove { .. }) {
                    fields.remove(&name);
                    return true;
                }
                if change(&mut fields[&name], left, edit, values) {
                    return true;
                }
            }
        }
        _ => {}
    }
    false
}

#[test]
fn every_place_of_a_document_can_be_edited() {
    let document = json!({"a": [1, {"b": "x"}], "c": null});
    let edited = |edit| apply(&document, &[edit]).to_string();
    let replaced: Vec<String> = (0..6)
        .map(|at| edited(JsonEdit::Replace { at, with: 1 }))
        .collect();
    let wanted = [
        "true",
        r#"{"a":true,"c":null}"#,
        r#"{"a":[true,{"b":"x"}],"c":null}"#,
        r#"{"a":[1,true],"c":null}"#,
        r#"{"a":[1,{"b":true}],"c":null}"#,
        r#"{"a":[1,{"b":"x"}],"c":true}"#,
    ];
    assert_eq!(replaced, wanted);
    assert_eq!(
        edited(JsonEdit::Remove { at: 4 }),
        r#"{"a":[1,{}],"c":null}"#
    );
    let twice = edited(JsonEdit::Repeat { at: 2, times: 3 });
    assert_eq!(twice, r#"{"a":[1,1,1,{"b":"x"}],"c":null}"#);
}
