//! Metric names and handles.
