//! An order's address lines, as providers want them: street, city, state, postcode.
//!
//! Orders carry addresses as lines, because that is what the world writes on parcels. The last line
//! is taken as the locality line, in the ways in which it is written:
//!
//! | line | country | city, state, postcode |
//! |---|---|---|
//! | `28013 Madrid` | ES | Madrid, –, 28013 |
//! | `111 22 Stockholm` | SE | Stockholm, –, 111 22 |
//! | `1015 CJ Amsterdam` | NL | Amsterdam, –, 1015 CJ |
//! | `Leeds LS1 1AA` | GB | Leeds, –, LS1 1AA |
//! | `San Francisco, CA 94104` | US | San Francisco, CA, 94104 |
//! | `LS1 1AA`, with `Leeds` before it | GB | Leeds, –, LS1 1AA |
//! | `Dublin` | IE | Dublin, –, – |
//!
//! A first line is the street, and what lies between is the second street line.

/// An address in parts; empty where a part is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostalAddress {
    /// First street line.
    pub street1: String,
    /// All further street lines.
    pub street2: String,
    /// City.
    pub city: String,
    /// State or province, where the locality line names one.
    pub state: String,
    /// Postal code as written.
    pub postcode: String,
    /// ISO 3166-1 alpha-2 country.
    pub country: String,
}

/// Countries that write a state between city and postcode.
const WITH_STATE: [&str; 5] = ["US", "CA", "AU", "BR", "MX"];

impl PostalAddress {
    /// The parts of address lines; `None` where there are no lines.
    #[must_use]
    pub fn parse(lines: &[String], country: &str) -> Option<Self> {
        let mut lines: Vec<&str> = lines
            .iter()
            .map(|line| line.trim())
            .filter(|line| !line.is_empty())
            .collect();
        if lines.len() > 1
            && lines
                .last()
                .is_some_and(|l| l.eq_ignore_ascii_case(country))
        {
            lines.pop();
        }
        let mut address = Self {
            country: country.to_ascii_uppercase(),
            ..Self::default()
        };
        let street1 = *lines.first()?;
        street1.clone_into(&mut address.street1);
        if lines.len() == 1 {
            return Some(address);
        }
        address.take_locality(lines.pop()?);
        if address.city.is_empty() && lines.len() > 1 {
            let above = address.postcode.clone();
            address.take_locality(lines.pop()?);
            if address.postcode.is_empty() {
                address.postcode = above;
            }
        }
        address.street2 = lines.get(1..).unwrap_or_default().join(", ");
        Some(address)
    }

    fn take_locality(&mut self, line: &str) {
        if let Some((city, rest)) = line.rsplit_once(',') {
            city.trim().clone_into(&mut self.city);
            let words: Vec<&str> = rest.split_whitespace().collect();
            let digits = words.iter().position(|word| has_digit(word));
            let (state, postcode) = words.split_at(digits.unwrap_or(words.len()));
            self.state = state.join(" ");
            self.postcode = postcode.join(" ");
            return;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let leading = words.iter().take_while(|word| has_digit(word)).count();
        if leading > 0 {
            let dutch = self.country == "NL" && words.get(leading).is_some_and(|w| is_code(w));
            let (postcode, city) = words.split_at(leading + usize::from(dutch));
            self.postcode = postcode.join(" ");
            self.city = city.join(" ");
            return;
        }
        let trailing = words
            .iter()
            .rev()
            .take_while(|word| has_digit(word))
            .count();
        let (mut city, postcode) = words.split_at(words.len() - trailing);
        self.postcode = postcode.join(" ");
        if let Some((last, before)) = city.split_last()
            && trailing > 0
            && !before.is_empty()
            && WITH_STATE.contains(&self.country.as_str())
            && is_code(last)
        {
            (*last).clone_into(&mut self.state);
            city = before;
        }
        self.city = city.join(" ");
    }
}

fn has_digit(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
}

/// Two or three capital letters, as states are abbreviated.
fn is_code(word: &str) -> bool {
    (2..=3).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines, country; second street line, city, state, postcode.
    const KNOWN: [(&str, &str, [&str; 4]); 11] = [
        (
            "Calle Sol 4|28013 Madrid",
            "ES",
            ["", "Madrid", "", "28013"],
        ),
        (
            "Storgatan 1|111 22 Malmö",
            "SE",
            ["", "Malmö", "", "111 22"],
        ),
        ("Kade 1|1015 CJ Ede", "NL", ["", "Ede", "", "1015 CJ"]),
        (
            "1 High St|Flat 2|Leeds LS1 1AA",
            "GB",
            ["Flat 2", "Leeds", "", "LS1 1AA"],
        ),
        (
            "1 High St|Leeds|LS1 1AA",
            "GB",
            ["", "Leeds", "", "LS1 1AA"],
        ),
        (
            "1 Main St|San Jose, CA 94104",
            "US",
            ["", "San Jose", "CA", "94104"],
        ),
        (
            "1 Main St|New York NY 10001|US",
            "US",
            ["", "New York", "NY", "10001"],
        ),
        (
            "1 Main St|Toronto ON K1A 0B1",
            "CA",
            ["", "Toronto", "ON", "K1A 0B1"],
        ),
        (
            "1 Raffles Pl|Singapore 049483",
            "SG",
            ["", "Singapore", "", "049483"],
        ),
        ("1 Quay|Dublin", "IE", ["", "Dublin", "", ""]),
        ("1 Quay", "IE", ["", "", "", ""]),
    ];

    #[test]
    fn locality_lines_of_many_countries_are_understood() {
        for (lines, country, parts) in KNOWN {
            let lines: Vec<String> = lines.split('|').map(str::to_owned).collect();
            let found = PostalAddress::parse(&lines, country).unwrap();
            assert_eq!(found.street1, lines[0]);
            let found = [
                &*found.street2,
                &*found.city,
                &*found.state,
                &*found.postcode,
            ];
            assert_eq!(found, parts, "{lines:?}");
        }
        assert_eq!(PostalAddress::parse(&[" ".into()], "ES"), None);
    }
}
