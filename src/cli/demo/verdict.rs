//! The ledger of everything that was told, and the second opinion that `onhand verify` has on it.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::account::Acknowledgement;
use super::place::Place;
use super::shop::TENANT;
use super::ward::Ward;
use crate::cli::startup::PARENT_VARIABLE;
use crate::types::OrderState;

/// What `onhand verify` said.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(super) struct Verdict {
    /// Contradictions over all claims.
    pub violations: u64,
    /// Acknowledgements of the ledger that were held against the journal.
    pub acknowledgements: u64,
    /// Single checks made.
    pub checks: u64,
    /// Claims that were checked at least once.
    pub claims: u64,
    /// The first offence, in words.
    pub offence: Option<String>,
}

/// Writes one line an acknowledgement.
pub(super) fn write_ledger(path: &Path, told: &[Acknowledgement]) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        for one in told {
            let state = one.state.map_or("", OrderState::name);
            writeln!(
                out,
                "{{\"tenant\":\"{TENANT}\",\"key\":\"{}\",\"version\":{},\"code\":\"{}\",\
                 \"sequence\":{},\"replayed\":{},\"state\":\"{state}\"}}",
                one.key, one.version, one.told.code, one.told.sequence, one.replayed
            )?;
        }
        out.flush()
    };
    write().with_context(|| format!("cannot write the ledger {}", path.display()))
}

/// What `onhand verify` says of the stopped engine's directory, with the ledger.
pub(super) fn verify(ward: &Ward, place: &Place) -> anyhow::Result<Verdict> {
    report(ward, place).map(|report| summary(&report))
}

/// The whole report of `onhand verify` on the stopped engine's directory, with the ledgers that
/// there are.
pub(super) fn report(ward: &Ward, place: &Place) -> anyhow::Result<serde_json::Value> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let log = File::options()
        .create(true)
        .append(true)
        .open(place.log())?;
    let mut command = Command::new(program);
    command
        .args(["verify", "--json", "--data"])
        .arg(place.data());
    if place.ledger().is_file() {
        command.arg("--ledger").arg(place.ledger());
    }
    if place.provider_ledger().is_file() {
        command
            .arg("--provider-ledger")
            .arg(place.provider_ledger());
    }
    let mut child = command
        .env(PARENT_VARIABLE, std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .context("cannot start `onhand verify`")?;
    let output = child.stdout.take();
    ward.adopt(child);
    let mut text = String::new();
    BufReader::new(output.context("`onhand verify` has no output to read")?)
        .read_to_string(&mut text)
        .context("cannot read what `onhand verify` says")?;
    let status = ward.reap()?.context("`onhand verify` was ended")?;
    if text.trim().is_empty() {
        let log = place.log();
        bail!("`onhand verify` ended with {status}, see {}", log.display());
    }
    serde_json::from_str(&text).context("`onhand verify` printed no JSON")
}

/// What it comes to.
pub(super) fn summary(report: &serde_json::Value) -> Verdict {
    let number = |value: &serde_json::Value, name: &str| value[name].as_u64().unwrap_or_default();
    let findings = report["findings"].as_array();
    let findings: &[serde_json::Value] = findings.map_or(&[], Vec::as_slice);
    let checked = findings.iter().map(|finding| number(finding, "checked"));
    let offences = findings.iter().flat_map(|finding| {
        let offences = finding["offences"].as_array().into_iter().flatten();
        offences.map(|offence| format!("{}: {}", finding["invariant"], offence["what"]))
    });
    Verdict {
        // A report without a count would be none at all.
        violations: report["violations"].as_u64().unwrap_or(u64::MAX),
        acknowledgements: number(report, "acknowledgements"),
        checks: checked.clone().sum(),
        claims: checked.filter(|&count| count > 0).count() as u64,
        offence: offences.map(|text| text.replace('"', "")).next(),
    }
}
