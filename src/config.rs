//! Configuration: file, flags and defaults, checked before anything starts.
