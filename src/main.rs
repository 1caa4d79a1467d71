//! The `onhand` program.
fn main() {}
