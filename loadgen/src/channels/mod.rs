//! Figures of the sales channels: webhooks, dashboards, and stock told to marketplaces.
//!
//! ```text
//!  stand:      sandbox process (five markets) ◀── API, webhooks ──▶ server process (--channels)
//!  webhooks:   2,000 signed deliveries at once; 500/s beside the engine's own open-loop load
//!  dashboards: closed-loop load with five open streams of figures │ without, in alternation
//!  publish:    a flash sale on five markets; how old the stock is that they acknowledge; oversold
//!  pool:       a shared pool at rising speeds, and the buffer that keeps it from being oversold
//!  peer:       the same deliveries to Onhand and to gateway → Redis → worker → PostgreSQL
//! ```

mod dashboards;
mod deliveries;
mod exposition;
mod peer;
mod pool;
mod publish;
mod sale;
mod sender;
mod shops;
mod stand;
mod stream;
mod verdict;
mod webhooks;

use std::fmt;

use anyhow::Result;

use crate::args::{ChannelsArguments, ChannelsFigure};
use crate::conditions::{Conditions, file_system};

/// Everything that was measured.
#[derive(Debug, Default, serde::Serialize)]
pub struct ChannelsReport {
    /// Under which conditions.
    pub conditions: Conditions,
    /// Webhooks.
    pub webhooks: Option<webhooks::WebhooksReport>,
    /// Dashboards.
    pub dashboards: Option<dashboards::DashboardsReport>,
    /// Sales on five markets.
    pub publish: Vec<publish::PublishReport>,
    /// The shared pool.
    pub pool: Option<pool::PoolReport>,
    /// Onhand beside what it replaces.
    pub peer: Option<peer::PeerReport>,
}

/// Measures what was asked for.
pub fn channels(arguments: &ChannelsArguments) -> Result<ChannelsReport> {
    // A second installation in one process is refused, and the first one stays.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut report = ChannelsReport {
        conditions: Conditions::here(arguments.seed),
        ..ChannelsReport::default()
    };
    report.conditions.file_system = file_system(&arguments.directory);
    report.conditions.sync = Some(arguments.sync.clone());
    let wanted = |figure| arguments.only.is_none_or(|only| only == figure);
    if wanted(ChannelsFigure::Webhooks) {
        report.webhooks = Some(webhooks::measure(arguments)?);
    }
    if wanted(ChannelsFigure::Dashboards) {
        report.dashboards = Some(dashboards::measure(arguments)?);
    }
    if wanted(ChannelsFigure::Publish) {
        report.publish = publish::measure(arguments)?;
    }
    if wanted(ChannelsFigure::Pool) {
        report.pool = Some(pool::measure(arguments)?);
    }
    if wanted(ChannelsFigure::Peer) {
        report.peer = Some(peer::measure(arguments)?);
    }
    Ok(report)
}

impl ChannelsReport {
    /// False where a delivery did not become an order, a guaranteed unit was sold twice, or the
    /// books of a comparison do not match. That a figure misses what is asked of it is said beside
    /// it.
    pub fn is_right(&self) -> bool {
        let webhooks = self.webhooks.as_ref();
        webhooks.is_none_or(webhooks::WebhooksReport::is_right)
            && self.peer.iter().all(peer::PeerReport::is_right)
            && self.publish.iter().all(publish::PublishReport::is_right)
    }
}

impl fmt::Display for ChannelsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conditions = &self.conditions;
        writeln!(f, "{}; {}", conditions.sentence(), conditions.load)?;
        writeln!(f, "command: {}", conditions.command_line)?;
        if let Some(webhooks) = &self.webhooks {
            writeln!(f, "{webhooks}")?;
        }
        if let Some(dashboards) = &self.dashboards {
            writeln!(f, "{dashboards}")?;
        }
        self.publish
            .iter()
            .try_for_each(|row| writeln!(f, "{row}"))?;
        self.pool.iter().try_for_each(|row| writeln!(f, "{row}"))?;
        self.peer.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}
