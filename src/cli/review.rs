//! `onhand review`: orders that wait for a person, over the server's HTTP.

use std::process::ExitCode;

use super::orders::{Common, Why, list};
use super::web::{PageArgs, WebArgs};

/// What to do with orders in review.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// List the queue, oldest first, with the reason of each.
    List {
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        web: WebArgs,
    },
    /// Let an order go on from where it came into review.
    Approve {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        why: Why,
    },
    /// Decline an order; what was done for it is undone.
    Decline {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        why: Why,
    },
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List { page, web } => {
            web.run(|web| list(web, &format!("/review?{}", page.query(&[]))))
        }
        Action::Approve { common, why } => {
            common.post_below("review", "approve", &[("reason", why.given())])
        }
        Action::Decline { common, why } => {
            common.post_below("review", "decline", &[("reason", why.given())])
        }
    }
}
