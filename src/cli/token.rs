//! `onhand token`: secrets for clients, of which the server keeps only hashes.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::output::{print, print_either, table};
use crate::net::token::{Token, TokenFile, parse_role};
use crate::types::Role;

/// What to do with tokens.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Draw a token, print it once, and append its line to the server's token file.
    New(New),
    /// List who is in a token file.
    List {
        /// The server's token file [no default]
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// Print JSON instead of a table [default: off]
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args, Debug)]
struct New {
    /// Who will use it: the name that the journal writes down with everything done by it; 1 to 64
    /// bytes [no default]
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it may do: read-only, connector (orders), operator (stock as well) or admin
    /// [no default]
    #[arg(long, value_name = "ROLE", value_parser = parse_role)]
    role: Role,
    /// The only tenant it may act for, or `*` for any [no default]
    #[arg(long, value_name = "TENANT")]
    tenant: String,
    /// Token file to append the line to, made with mode 0600 if it is missing [default: print the
    /// line on standard error]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// When it ends: RFC 3339, such as 2027-01-31T12:00:00Z [default: never]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// Print JSON instead of the bare token [default: off]
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::New(new) => draw(&new)?,
        Action::List { file, json } => list(&file, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn draw(new: &New) -> anyhow::Result<()> {
    let (secret, token) = Token::draw(&new.name, new.role, &new.tenant)?;
    let token = match &new.expires {
        None => token,
        Some(time) => token.until(time)?,
    };
    let line = token.to_line();
    match &new.file {
        Some(path) => append(path, token)?,
        None if !new.json => eprintln!("Line for the server's token file:\n{line}"),
        None => {}
    }
    let value = serde_json::json!({ "token": secret, "line": line, "file": new.file });
    print_either(new.json, &secret, &value)?;
    if !new.json {
        eprintln!("The line above is the token. It is not kept anywhere and not shown again.");
    }
    Ok(())
}

/// Adds the line to a file that stays valid as a whole, and waits until it is on the disk.
fn append(path: &Path, token: Token) -> anyhow::Result<()> {
    let failed = || format!("cannot write the token file {}", path.display());
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .with_context(failed)?;
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(failed)?;
    let line = token.to_line();
    TokenFile::parse(path, &text)?.add(token)?;
    let start = if needs_line_break(&mut file).with_context(failed)? {
        "\n"
    } else {
        ""
    };
    file.write_all(format!("{start}{line}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(failed)
}

/// True where the last line of the file is not ended.
fn needs_line_break(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != [b'\n'])
}

fn list(path: &Path, json: bool) -> anyhow::Result<()> {
    let file = TokenFile::read(path)?;
    let tenant = |token: &Token| token.tenant.clone().unwrap_or_else(|| "*".to_owned());
    if json {
        let tokens: Vec<_> = file
            .tokens()
            .iter()
            .map(|token| {
                serde_json::json!({
                    "name": token.name,
                    "role": token.role.name(),
                    "tenant": tenant(token),
                    "expires": token.expires(),
                })
            })
            .collect();
        print(serde_json::json!({ "tokens": tokens }))?;
        return Ok(());
    }
    let rows: Vec<_> = file
        .tokens()
        .iter()
        .map(|token| {
            vec![
                token.name.clone(),
                token.role.name().to_owned(),
                tenant(token),
                token.expires().unwrap_or_else(|| "never".to_owned()),
            ]
        })
        .collect();
    print(table(&["NAME", "ROLE", "TENANT", "EXPIRES"], &rows))?;
    Ok(())
}
