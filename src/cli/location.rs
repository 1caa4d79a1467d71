//! `onhand location`: where stock is.

use std::process::ExitCode;

use super::output::{print, print_either, table};
use super::session::{ServerArgs, Session, refused};
use crate::types::ResultCode;
use crate::wire::reply;
use crate::wire::request::LocationDefinition;

/// What to do with locations.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Define a location; safe to repeat. One that exists keeps its place and priority.
    Add(Add),
    /// List the tenant's locations in order of their definition.
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(clap::Args, Debug)]
struct Add {
    /// Its name, 1 to 64 bytes [no default]
    name: String,
    /// Its place, in any unit that all locations and destinations of the tenant share
    #[arg(
        long,
        value_name = "UNITS",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    x: i32,
    /// As --x
    #[arg(
        long,
        value_name = "UNITS",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    y: i32,
    /// Which location serves an order first where distance does not decide: lower comes first
    #[arg(long, value_name = "RANK", default_value_t = 0)]
    priority: u16,
    #[command(flatten)]
    server: ServerArgs,
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Add(mut add) => {
            let server = std::mem::take(&mut add.server);
            server.run(|session| define(session, &add))
        }
        Action::List { server } => server.run(list),
    }
}

fn define(session: &mut Session, add: &Add) -> anyhow::Result<()> {
    let item = LocationDefinition {
        name: &add.name,
        priority: add.priority,
        x: add.x,
        y: add.y,
    };
    let answers = session.connection.define_locations(&[item])?;
    let Some(answer) = answers.first() else {
        anyhow::bail!("the server answered without an item");
    };
    if answer.code != ResultCode::Ok {
        let what = format!("location `{}` was not defined", add.name);
        return Err(refused(answer.code, what));
    }
    let replayed = answer.flags & reply::REPLAYED != 0;
    let before = if replayed { " (as before)" } else { "" };
    let text = format!("{} is location {}{before}.", add.name, answer.handle);
    let value = serde_json::json!({
        "name": add.name,
        "code": answer.code.name(),
        "location": answer.handle,
        "replayed": replayed,
        "sequence": answer.sequence,
    });
    print_either(session.json(), text, &value)?;
    Ok(())
}

fn list(session: &mut Session) -> anyhow::Result<()> {
    let json = session.json();
    let entries = session.all_locations()?;
    if json {
        let values: Vec<_> = entries
            .iter()
            .map(|entry| {
                serde_json::json!({
                    "name": entry.name,
                    "location": entry.location.0,
                    "x": entry.x,
                    "y": entry.y,
                    "priority": entry.priority,
                })
            })
            .collect();
        print(serde_json::json!({ "locations": values }))?;
        return Ok(());
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            vec![
                entry.name.clone(),
                entry.location.0.to_string(),
                entry.x.to_string(),
                entry.y.to_string(),
                entry.priority.to_string(),
            ]
        })
        .collect();
    print(table(&["NAME", "LOCATION", "X", "Y", "PRIORITY"], &rows))?;
    Ok(())
}
