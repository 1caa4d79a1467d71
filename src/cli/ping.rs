//! `onhand ping`: is the server there, and how far away?

use std::process::ExitCode;

use super::output::print_either;
use super::session::{ServerArgs, Session};
use crate::clock;

/// How often.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// How many round trips to time
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    count: u32,
    #[command(flatten)]
    server: ServerArgs,
}

/// Sends, waits, and says how long it took.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    args.server.run(|session| ping(session, args.count))
}

fn ping(session: &mut Session, count: u32) -> anyhow::Result<()> {
    let hello = *session.connection.hello();
    for _ in 0..count {
        let start = clock::monotonic_ns();
        session.connection.ping(b"onhand")?;
        let round_trip_us = (clock::monotonic_ns() - start) / 1_000;
        let text = format!(
            "PONG in {round_trip_us} µs from shard {} (start {}, role {}).",
            hello.shard,
            hello.epoch,
            hello.role.name()
        );
        let value = serde_json::json!({
            "round_trip_us": round_trip_us,
            "shard": hello.shard,
            "epoch": hello.epoch,
            "role": hello.role.name(),
            "server_time_ms": hello.server_time_ms,
        });
        print_either(session.json(), text, &value)?;
    }
    Ok(())
}
