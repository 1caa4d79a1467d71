//! Wiring: pollers, queues, threads, order of shutdown.
