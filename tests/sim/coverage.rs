//! What a run met: printed, and required to be more than nothing where it matters.

use super::disk::DiskCounts;
use super::model::ModelCounts;

macro_rules! coverage {
    ($($(#[$doc:meta])+ $field:ident: $name:literal,)+) => {
        /// Counts of one run or of many.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Coverage {
            $($(#[$doc])+ pub $field: u64,)+
        }

        impl Coverage {
            /// Adds the counts of another run.
            pub fn add(&mut self, other: &Coverage) {
                $(self.$field += other.$field;)+
            }

            /// Every count with its name.
            pub fn rows(&self) -> Vec<(&'static str, u64)> {
                vec![$(($name, self.$field)),+]
            }
        }
    };
}

coverage! {
    /// Requests executed by the shard.
    commands: "commands",
    /// Answers compared with the model.
    answers: "answers compared with the model",
    /// Turns that ran.
    turns: "turns",
    /// Starts of the process.
    starts: "starts",
    /// Power cuts.
    crashes: "crashes",
    /// Ends of the process alone.
    kills: "kills",
    /// Clean shutdowns.
    shutdowns: "clean shutdowns",
    /// Recoveries that failed half-way and were begun again.
    recoveries_broken: "recoveries interrupted",
    /// Recoveries that cut something off the end.
    torn_tails: "torn tails",
    /// Recoveries that cut whole batches behind a hole.
    holes: "holes below later batches",
    /// Turns executed, lost in a crash, and never acknowledged.
    turns_lost: "unacknowledged turns lost",
    /// Turns not acknowledged and yet recovered.
    turns_kept: "unacknowledged turns kept",
    /// Syncs that failed.
    failed_syncs: "failed syncs",
    /// Calls refused for want of disk space.
    full: "disk full",
    /// Sectors torn by crashes.
    sectors_torn: "sectors torn",
    /// Directory changes lost in crashes.
    changes_lost: "directory changes lost",
    /// Unfinished files cut by crashes.
    files_cut: "unfinished files cut",
    /// Damaged journals that were refused.
    damage_refused: "bit flips refused",
    /// Bits flipped where nothing depends on them.
    damage_harmless: "bit flips without effect",
    /// The journal went on in a further segment.
    segment_switches: "segment switches",
    /// A file with bytes of an earlier life became a segment.
    recycled: "recycled segments",
    /// Frames refused because the journal was short of room.
    overloaded: "frames refused as overloaded",
    /// Turns that could not begin for want of room.
    no_room: "turns without room",
    /// Connections that broke.
    disconnects: "connections broken",
    /// Orders accepted.
    accepted: "orders accepted",
    /// Orders refused.
    rejected: "orders rejected",
    /// Accepted orders with a line split over locations.
    split: "orders split over locations",
    /// Holds replaced by their next version.
    replaced: "holds replaced",
    /// Holds that ended by time.
    expired: "holds expired",
    /// Commands that came too late for their hold.
    too_late: "commands on an expired hold",
    /// Stored outcomes answered again.
    replays: "replays",
    /// Keys used with another meaning.
    conflicts: "conflicts",
    /// Orders with an old version.
    stale_versions: "stale versions",
    /// Orders with a version too new.
    gaps: "version gaps",
    /// Keys of long-ended orders that were forgotten.
    forgotten: "orders forgotten",
    /// Stock that fell below what was promised.
    shortages: "shortages",
}

impl Coverage {
    /// Takes over what disk and model counted.
    pub fn take(&mut self, disk: &DiskCounts, model: &ModelCounts) {
        self.crashes = disk.crashes;
        self.kills = disk.kills;
        self.failed_syncs = disk.failed_syncs;
        self.full = disk.full_errors;
        self.sectors_torn = disk.sectors_torn;
        self.changes_lost = disk.changes_lost;
        self.files_cut = disk.files_cut;
        self.accepted = model.accepted;
        self.rejected = model.rejected;
        self.split = model.split;
        self.replaced = model.replaced;
        self.expired = model.expired;
        self.too_late = model.too_late;
        self.replays = model.replayed;
        self.conflicts = model.conflicts;
        self.stale_versions = model.stale_versions;
        self.gaps = model.gaps;
        self.forgotten = model.forgotten;
        self.shortages = model.shortages;
    }
}
