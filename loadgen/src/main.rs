//! The `onhand-loadgen` program.
fn main() {}
