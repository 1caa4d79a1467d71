//! Integration tests: the parts together, over their public interfaces.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used
)]
#![allow(clippy::indexing_slicing)] // a panic is how a test reports

mod it {
    mod adapters;
    mod bad_input;
    mod callbacks;
    mod callbacks_live;
    mod channel_api;
    mod channel_publish;
    mod channel_stock;
    mod channel_way;
    mod channel_webhooks;
    mod cli_access;
    mod cli_local;
    mod cli_order;
    mod cli_orders;
    mod cli_serve;
    mod cli_stock;
    mod client;
    mod crash;
    mod dashboard;
    mod demo;
    mod durability;
    mod error_codes;
    mod examples;
    mod fault_matrix;
    mod full_frames;
    /// Random edits of real inputs; see `fuzz/run.rs`.
    #[path = "../fuzz"]
    mod fuzz {
        mod archives;
        mod callbacks;
        mod configuration;
        mod deliveries;
        mod details;
        mod edit;
        mod json;
        mod records;
        mod run;
        mod wire;
    }
    mod gateway_v1;
    mod history;
    mod messages;
    mod process;
    mod process_crash;
    mod protocol;
    mod protocol_corruption;
    mod providers_payment;
    mod providers_services;
    mod rest;
    mod rest_security;
    mod room;
    mod sandbox;
    mod scripted;
    mod secrets_stay;
    mod served;
    mod serving;
    mod sessions;
    mod sold;
    mod subscribers;
    mod subscription;
    mod threads;
    mod tutorial;
    mod verify;
    mod web;
    mod web_engine;
    mod web_limits;
}
