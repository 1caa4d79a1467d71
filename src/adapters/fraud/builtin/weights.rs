//! The weights of the built-in score: a TOML file whose defaults are part of the program.

use super::windows::COUNT_MAX;
use serde::Deserialize;

/// The weights that are used where a file says nothing.
pub const DEFAULTS: &str = include_str!("weights.toml");

/// Entries of each memory, at most; each takes about 250 bytes.
const ENTRIES_MAX: usize = 2_000_000;

/// All weights. Points are 0 ..= 100.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Orders within a window.
    pub velocity: Velocities,
    /// Above the customer's own average.
    pub amount_unusual: Amount,
    /// Above the tenant's average.
    pub amount_high: Amount,
    /// Billing and shipping address differ.
    pub address_mismatch: Points,
    /// A mail domain that gives addresses away.
    pub disposable_mail: DisposableMail,
    /// Faster than people are.
    pub fast_checkout: FastCheckout,
    /// How much is remembered.
    pub memory: Memory,
}

/// Orders within a window, by what they have in common.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Velocities {
    /// The merchant's number for the buyer; 0, a guest, is nobody.
    pub customer: Velocity,
    /// The device fingerprint.
    pub device: Velocity,
    /// The shipping address.
    pub address: Velocity,
    /// The payment token.
    pub card: Velocity,
}

/// Orders within one window.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Velocity {
    /// Length of the window.
    pub window_seconds: u32,
    /// Orders that cost nothing, the present one included.
    pub free: u8,
    /// Points of each further one.
    pub points: u8,
    /// Points at most.
    pub points_max: u8,
}

/// An amount far above an average.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// Percent of the average above which it counts.
    pub percent: u32,
    /// Orders that make an average.
    pub orders_min: u32,
    /// Its points.
    pub points: u8,
}

/// A signal that is there or not.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Points {
    /// Its points.
    pub points: u8,
}

/// Mail domains that give addresses away.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisposableMail {
    /// Its points.
    pub points: u8,
    /// Domains beside the built-in ones, in lower case.
    pub domains: Vec<String>,
}

/// A checkout faster than people are.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FastCheckout {
    /// From cart to checkout in at most so many seconds; 0 seconds means unknown.
    pub seconds: u32,
    /// Its points.
    pub points: u8,
}

/// How much is remembered.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Customers, devices, addresses and cards, each.
    pub entries: usize,
}

impl Default for Weights {
    #[allow(clippy::expect_used)] // the embedded file is read by a test
    fn default() -> Self {
        toml::from_str(DEFAULTS).expect("the embedded weights are weights")
    }
}

impl Weights {
    /// Weights of a file; what it leaves out stays as in [`DEFAULTS`].
    ///
    /// # Errors
    /// Says where the file is wrong, and how.
    pub fn parse(text: &str) -> Result<Self, String> {
        // A file of one's own is checked as it stands first, so that errors name its lines.
        let own: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut all: toml::Table = toml::from_str(DEFAULTS).map_err(|error| error.to_string())?;
        if let Some(stranger) = merge(&mut all, &own) {
            let line = line_of(text, &stranger);
            return Err(format!("line {line}: there is no weight `{stranger}`"));
        }
        let weights: Self = all
            .try_into()
            .map_err(|error: toml::de::Error| error.message().to_owned())?;
        weights.check()?;
        Ok(weights)
    }

    fn check(&self) -> Result<(), String> {
        let velocity = &self.velocity;
        let named = [
            ("customer", velocity.customer),
            ("device", velocity.device),
            ("address", velocity.address),
            ("card", velocity.card),
        ];
        for (name, velocity) in named {
            if usize::from(velocity.free) >= COUNT_MAX {
                return Err(format!(
                    "velocity.{name}: `free` is below {COUNT_MAX}, as far as orders are counted"
                ));
            }
        }
        if !(1..=ENTRIES_MAX).contains(&self.memory.entries) {
            return Err(format!("memory: `entries` is 1 to {ENTRIES_MAX}"));
        }
        Ok(())
    }
}

/// Lays `own` over `all`; the first name that `all` does not have.
fn merge(all: &mut toml::Table, own: &toml::Table) -> Option<String> {
    for (name, value) in own {
        match (all.get_mut(name), value) {
            (None, _) => return Some(name.clone()),
            (Some(toml::Value::Table(below)), toml::Value::Table(own)) => {
                if let Some(stranger) = merge(below, own) {
                    return Some(stranger);
                }
            }
            (Some(place), _) => *place = value.clone(),
        }
    }
    None
}

fn line_of(text: &str, name: &str) -> usize {
    let names = |line: &str| {
        let line = line.trim_start().trim_start_matches('[');
        line.split(['=', ']', '.']).any(|part| part.trim() == name)
    };
    text.lines().position(names).map_or(0, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_weights_are_sound_and_any_may_be_replaced() {
        Weights::default().check().unwrap();
        let weights = Weights::parse("[velocity.device]\nfree = 9\n").unwrap();
        assert_eq!(weights.velocity.device.free, 9);
        assert_eq!(weights.velocity.device.points, 15);
        Weights::parse("").unwrap();
    }

    #[test]
    fn what_is_no_weight_is_refused() {
        for (text, said) in [
            ("[velocity.device]\nfree = 16\n", "velocity.device"),
            ("[velocity.devices]\nfree = 1\n", "line 1"),
            ("[amount_high]\n\npoint = 1\n", "line 3"),
            ("[amount_high]\npoints = 256\n", "u8"),
            ("[memory]\nentries = 0\n", "memory"),
            ("[memory\n", "line 1"),
        ] {
            let error = Weights::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
