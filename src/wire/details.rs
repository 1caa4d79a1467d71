//! The details message: what adapters and people need about an order, language-neutral.
