//! For tests: a journal of which only tails are read.

use super::{FeedError, FeedProgress, Place, ShardJournal, Tail};
use crate::journal::{Batch, Position};
use crate::types::record::RawRecord;

/// Gives the tails that the function makes.
pub struct TailsOnly<F>(pub F);

/// A journal of which nothing is read.
pub fn unread() -> TailsOnly<fn() -> Box<dyn Tail>> {
    TailsOnly(|| unreachable!("nothing is read"))
}

impl<F: Fn() -> Box<dyn Tail> + Send + Sync> ShardJournal for TailsOnly<F> {
    fn shard(&self) -> u16 {
        0
    }

    fn end(&self) -> Place {
        unreachable!("only tails are read")
    }

    fn acknowledged(&self) -> u64 {
        unreachable!("only tails are read")
    }

    fn tail(&self, _: &str, _: Place) -> Box<dyn Tail> {
        self.0()
    }

    fn tail_from(&self, _: &str, _: u64) -> Result<Box<dyn Tail>, FeedError> {
        unreachable!("only tails from a place are read")
    }

    fn find(&self, _: u64, _: &mut dyn FnMut(&RawRecord<'_>, u64)) -> Result<bool, FeedError> {
        unreachable!("only tails are read")
    }
}

/// Where [`Blank`] stands: at the first record of all.
pub const START: Place = Place {
    sequence: 0,
    position: Position {
        segment: 1,
        offset: 0,
    },
    time_ms: 0,
};

/// A tail of batches without a record; the function says whether there is one more.
pub struct Blank<F>(pub F);

impl<F: FnMut() -> FeedProgress + Send> Tail for Blank<F> {
    fn next(&mut self, _: &mut dyn FnMut(&Batch<'_>)) -> Result<FeedProgress, FeedError> {
        Ok((self.0)())
    }

    fn place(&self) -> Place {
        START
    }

    fn publish_lag(&self) {}
}
