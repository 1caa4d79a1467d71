//! `onhand history`: the journal's copy in SQL, written anew.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{counted, print_either};
use super::startup::DONE;
use crate::audit::source::DataDirectory;
use crate::history::{HistoryTarget, Rebuilt, catch_up, clear};

/// Look after the history, the journal's copy in SQL. Its tables and views are described in
/// docs/HISTORY.md.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Empty the history and write it anew from the journal.
    ///
    /// Beside a running server the history is emptied, and the server writes it anew. Nothing else
    /// notices: the journal is the truth, and orders do not need the history.
    Rebuild(Rebuild),
}

#[derive(clap::Args, Debug)]
struct Rebuild {
    /// The data directory [no default]
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The database, as the option `history` of the server names it
    #[arg(long, value_name = "DATABASE", default_value = "sqlite")]
    history: String,
    /// Print one JSON object instead of a sentence [default: off]
    #[arg(long)]
    json: bool,
}

/// Does what was asked: exit code 0, or 2 where directory or database cannot be used.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Rebuild(args) => rebuild(&args),
    }
}

fn rebuild(args: &Rebuild) -> anyhow::Result<ExitCode> {
    let source = DataDirectory::open(&args.data)?;
    let Some(target) = HistoryTarget::parse(&args.history, &args.data)? else {
        anyhow::bail!("`off` is no database: name the one to write with --history");
    };
    clear(&target)?;
    let (rebuilt, sentence) = if let Some(pid) = source.owner {
        let sentence = format!(
            "{} is empty now; process {pid}, which serves {}, writes it anew where that is its \
             history",
            target.name(),
            args.data.display()
        );
        (Rebuilt::default(), sentence)
    } else {
        let shards = source.shards.iter();
        let shards: Vec<_> = shards
            .map(|shard| (*shard, source.shard_folder(*shard)))
            .collect();
        let bar = indicatif::ProgressBar::new_spinner();
        let rebuilt = catch_up(&target, &shards, &mut |records| {
            bar.set_message(format!("{records} records"));
            bar.tick();
        })?;
        bar.finish_and_clear();
        let sentence = format!(
            "{} of {} in {} as {}",
            counted(rebuilt.records, "record"),
            counted(rebuilt.shards as u64, "shard"),
            target.name(),
            counted(rebuilt.rows, "row")
        );
        (rebuilt, sentence)
    };
    let value = serde_json::json!({
        "database": target.name(),
        "shards": rebuilt.shards,
        "records": rebuilt.records,
        "rows": rebuilt.rows,
        "served_by": source.owner,
    });
    print_either(args.json, sentence, &value)?;
    Ok(ExitCode::from(DONE))
}
