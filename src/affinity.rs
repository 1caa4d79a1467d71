//! Which thread may run on which core.
