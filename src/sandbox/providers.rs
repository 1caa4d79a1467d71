//! The list of providers.

use super::core::{Options, Provider};

/// All providers of the sandbox, each a file of its own.
#[must_use]
pub fn all(options: &Options) -> Vec<Box<dyn Provider>> {
    let _ = options;
    vec![]
}
