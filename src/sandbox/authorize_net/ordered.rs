//! JSON whose members keep their order: behind Authorize.net's JSON is an XML schema.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value; scalars as text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        serde_json::from_slice(bytes).ok()
    }

    /// The members of an object in their order.
    pub(super) fn members(&self) -> &[(String, Node)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// The value at a path of member names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, name| {
            let mut members = node.members().iter();
            members
                .find(|(known, _)| known == name)
                .map(|(_, node)| node)
        })
    }

    /// The text at a path of member names.
    pub(super) fn text(&self, path: &[&str]) -> Option<&str> {
        match self.at(path)? {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The first member that `order` does not know, or has at an earlier place.
    pub(super) fn misplaced(&self, order: &[&'static str]) -> Option<&str> {
        let mut rest = order.iter();
        self.members()
            .iter()
            .find(|(name, _)| !rest.any(|known| known == name))
            .map(|(name, _)| name.as_str())
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut found = Vec::new();
        while let Some(node) = list.next_element()? {
            found.push(node);
        }
        Ok(Node::List(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut found = Vec::new();
        while let Some(member) = map.next_entry()? {
            found.push(member);
        }
        Ok(Node::Object(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_out_of_its_place_is_found() {
        let node = Node::of(br#"{"a":1,"c":{"x":"y"},"b":[2.5,null,true]}"#).unwrap();
        assert_eq!(node.misplaced(&["a", "c", "b"]), None);
        assert_eq!(node.misplaced(&["a", "b", "c"]), Some("b"));
        assert_eq!(node.misplaced(&["c", "b"]), Some("a"));
        assert_eq!(node.text(&["c", "x"]), Some("y"));
        assert_eq!(node.text(&["a"]), Some("1"));
    }
}
