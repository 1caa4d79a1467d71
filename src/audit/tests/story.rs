//! A small, valid journal with at least one record of every kind, and its writer.

use crate::engine::record::{
    Allocation, CellRef, Lines, OrderAccepted, OrderRef, OrderRejected, Record, ShortLine, Shorts,
    StockChange, accepted_flags, put_lines, put_shorts,
};
use crate::journal::layout::{
    BatchHeader, SEGMENT_HEADER_BYTES, Salt, SegmentHeader, segment_name,
};
use crate::types::record::RecordBuffer;
use crate::types::{
    ActorId, ChannelId, CommandKey, Disposition, LocationId, OrderKey, ResultCode, SkuId,
    StockBucket, TenantId,
};
use std::path::Path;

pub const TENANT: TenantId = TenantId(0);
pub const SHOP: ActorId = ActorId(1);
pub const LAMP: SkuId = SkuId(0);
pub const VASE: SkuId = SkuId(1);
pub const BERLIN: LocationId = LocationId(0);
pub const PARIS: LocationId = LocationId(1);
/// When the story begins.
pub const START_MS: u64 = 1_700_000_000_000;
/// How long its holds live.
pub const TTL_MS: u32 = 60_000;

pub fn cell(sku: SkuId, location: LocationId) -> CellRef {
    CellRef { sku, location }
}

pub fn units(sku: SkuId, location: LocationId, quantity: u32) -> Allocation {
    Allocation {
        sku,
        quantity,
        location,
    }
}

/// One record, owned.
#[derive(Clone, Debug)]
pub struct Entry {
    pub time_ms: u64,
    pub epoch: u32,
    pub kind: u8,
    pub version: u8,
    pub actor: ActorId,
    pub payload: Vec<u8>,
}

/// A journal as a list of records; sequence = index + 1.
#[derive(Clone, Debug, Default)]
pub struct Story {
    pub entries: Vec<Entry>,
    pub now_ms: u64,
    pub next_command: u128,
    /// Records in each batch.
    pub batch: usize,
    /// Bytes of a segment.
    pub segment_bytes: u64,
    /// Written into the last batch as the synced mark; 0 for "everything before the batch".
    pub synced: u64,
}

impl Story {
    pub fn new() -> Self {
        Self {
            now_ms: START_MS,
            next_command: 1_000,
            batch: 3,
            segment_bytes: 64 << 10,
            ..Self::default()
        }
    }

    /// Adds a record and returns its sequence.
    pub fn push(&mut self, record: &Record<'_>) -> u64 {
        let entry = self.entry(record);
        self.entries.push(entry);
        self.entries.len() as u64
    }

    /// The entry that `push` would add.
    pub fn entry(&self, record: &Record<'_>) -> Entry {
        let mut payload = Vec::new();
        record.put(&mut payload);
        Entry {
            time_ms: self.now_ms,
            epoch: 1,
            kind: record.kind(),
            version: 1,
            actor: SHOP,
            payload,
        }
    }

    /// Replaces the record of a sequence, keeping its place and time.
    pub fn alter(&mut self, sequence: u64, record: &Record<'_>) {
        let place = &mut self.entries[usize::try_from(sequence).unwrap() - 1];
        place.kind = record.kind();
        place.payload.clear();
        record.put(&mut place.payload);
    }

    pub fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    pub fn command(&mut self) -> CommandKey {
        self.next_command += 1;
        CommandKey(self.next_command)
    }

    pub fn of(&mut self, order: u128) -> OrderRef {
        OrderRef {
            order: OrderKey(order),
            key: self.command(),
            fingerprint: 7,
            tenant: TENANT,
        }
    }

    pub fn define(&mut self) {
        self.push(&Record::TenantDefined {
            tenant: TENANT,
            name: "acme",
        });
        self.push(&Record::ActorDefined {
            actor: SHOP,
            name: "shop",
        });
        for (sku, name) in [(LAMP, "lamp"), (VASE, "vase")] {
            self.push(&Record::SkuDefined {
                sku,
                tenant: TENANT,
                on_sale: true,
                name,
            });
        }
        for (location, name) in [(BERLIN, "berlin"), (PARIS, "paris")] {
            self.push(&Record::LocationDefined {
                location,
                tenant: TENANT,
                x: 0,
                y: i32::from(location.0),
                priority: 0,
                name,
            });
        }
    }

    pub fn receive(&mut self, sku: SkuId, location: LocationId, quantity: u32) -> u64 {
        let change = StockChange::Received {
            key: self.command(),
            fingerprint: 7,
            cell: cell(sku, location),
            quantity,
        };
        self.push(&Record::Stock(change))
    }

    pub fn adjust(&mut self, sku: SkuId, location: LocationId, delta: i64) -> u64 {
        let change = StockChange::Adjusted {
            key: self.command(),
            fingerprint: 7,
            cell: cell(sku, location),
            delta,
            reason: "count",
        };
        self.push(&Record::Stock(change))
    }

    pub fn accept(&mut self, order: u128, version: u16, flags: u8, lines: &[Allocation]) -> u64 {
        let mut bytes = Vec::new();
        put_lines(&mut bytes, lines);
        self.push(&Record::OrderAccepted(accepted(
            order, version, flags, &bytes,
        )))
    }

    pub fn reject(&mut self, order: u128, version: u16, left: u32) -> u64 {
        let mut bytes = Vec::new();
        let short = ShortLine {
            sku: LAMP,
            left,
            line: 0,
        };
        put_shorts(&mut bytes, &[short]);
        self.push(&Record::OrderRejected(OrderRejected {
            key: OrderKey(order),
            fingerprint: 11,
            customer: 42,
            tenant: TENANT,
            channel: ChannelId(3),
            version,
            reason: ResultCode::InsufficientStock,
            shorts: Shorts::from_bytes(&bytes),
        }))
    }

    pub fn confirm(&mut self, order: u128, lines: &[Allocation]) -> u64 {
        let mut bytes = Vec::new();
        put_lines(&mut bytes, lines);
        let order = self.of(order);
        self.push(&Record::OrderConfirmed {
            order,
            lines: Lines::from_bytes(&bytes),
        })
    }

    pub fn ship(&mut self, order: u128, lines: &[Allocation]) -> u64 {
        let mut bytes = Vec::new();
        put_lines(&mut bytes, lines);
        let order = self.of(order);
        self.push(&Record::OrderShipped {
            order,
            lines: Lines::from_bytes(&bytes),
        })
    }

    pub fn give_back(
        &mut self,
        order: u128,
        disposition: Disposition,
        lines: &[Allocation],
    ) -> u64 {
        let mut bytes = Vec::new();
        put_lines(&mut bytes, lines);
        let order = self.of(order);
        self.push(&Record::OrderReturned {
            order,
            disposition,
            lines: Lines::from_bytes(&bytes),
        })
    }

    pub fn release(&mut self, order: u128) -> u64 {
        let order = self.of(order);
        self.push(&Record::OrderReleased { order })
    }

    pub fn cancel(&mut self, order: u128) -> u64 {
        let order = self.of(order);
        self.push(&Record::OrderCancelled { order })
    }

    pub fn extend(&mut self, order: u128, expires_at_ms: u64) -> u64 {
        let order = self.of(order);
        self.push(&Record::HoldExtended {
            order,
            expires_at_ms,
        })
    }

    pub fn expire(&mut self, order: u128) -> u64 {
        self.push(&Record::OrderExpired {
            tenant: TENANT,
            order: OrderKey(order),
        })
    }

    pub fn conflict(&mut self, order: u128, fingerprint: u64) -> u64 {
        self.push(&Record::ConflictSeen {
            tenant: TENANT,
            order: OrderKey(order),
            fingerprint,
        })
    }

    pub fn forget(&mut self, order: u128) -> u64 {
        let mut keys = TENANT.0.to_le_bytes().to_vec();
        keys.extend_from_slice(&order.to_le_bytes());
        self.push(&Record::OrdersForgotten { keys: &keys })
    }

    /// A valid story that touches every kind of record and leaves holds, committed and short
    /// stock behind.
    pub fn valid() -> Self {
        let mut s = Self::new();
        s.define();
        s.receive(LAMP, BERLIN, 10);
        s.receive(VASE, BERLIN, 5);
        s.stock_of_every_kind();
        s.wait(5);
        s.accept(1, 1, 0, &[units(LAMP, BERLIN, 2)]);
        s.accept(2, 1, 0, &[units(LAMP, BERLIN, 1), units(VASE, BERLIN, 2)]);
        s.accept(3, 1, accepted_flags::PLACED, &[units(LAMP, PARIS, 1)]);
        s.accept(4, 1, 0, &[units(VASE, BERLIN, 1)]);
        s.accept(5, 1, 0, &[units(LAMP, BERLIN, 1)]);
        s.reject(6, 1, 2);
        s.conflict(1, 99);
        s.wait(10);
        s.accept(4, 2, accepted_flags::REPLACES, &[units(VASE, BERLIN, 2)]);
        s.confirm(1, &[]);
        s.confirm(2, &[units(VASE, BERLIN, 1)]);
        s.ship(1, &[units(LAMP, BERLIN, 1)]);
        s.ship(1, &[units(LAMP, BERLIN, 1)]);
        s.give_back(1, Disposition::Restock, &[units(LAMP, BERLIN, 1)]);
        s.give_back(1, Disposition::Damaged, &[units(LAMP, BERLIN, 1)]);
        s.cancel(2);
        s.release(5);
        s.extend(4, START_MS + 15 + 2 * u64::from(TTL_MS));
        let key = s.command();
        s.push(&Record::CommandRefused {
            tenant: TENANT,
            key,
            fingerprint: 8,
            code: ResultCode::Underflow,
            of_order: false,
        });
        s.wait(u64::from(TTL_MS));
        s.expire(3);
        s.forget(3);
        s.accept(7, 1, 0, &[units(VASE, BERLIN, 2)]);
        s.confirm(7, &[]);
        s.adjust(VASE, BERLIN, -2);
        s.push(&Record::ShortageDetected {
            cell: cell(VASE, BERLIN),
            short: 1,
        });
        s
    }

    fn stock_of_every_kind(&mut self) {
        let key = self.command();
        self.push(&Record::Stock(StockChange::Set {
            key,
            fingerprint: 7,
            cell: cell(LAMP, BERLIN),
            before: 10,
            on_hand: 9,
        }));
        let key = self.command();
        self.push(&Record::Stock(StockChange::Transferred {
            key,
            fingerprint: 7,
            cell: cell(LAMP, BERLIN),
            to: PARIS,
            quantity: 2,
        }));
        let key = self.command();
        self.push(&Record::Stock(StockChange::Moved {
            key,
            fingerprint: 7,
            cell: cell(LAMP, BERLIN),
            from: StockBucket::Available,
            to: StockBucket::Safety,
            quantity: 1,
        }));
        self.adjust(LAMP, BERLIN, 1);
        self.push(&Record::SkuChanged {
            sku: VASE,
            on_sale: true,
        });
    }

    /// Writes shard 0 as the journal would.
    pub fn write(&self, directory: &Path) {
        self.write_shard(directory, 0);
    }

    /// Writes one shard as the journal would.
    pub fn write_shard(&self, directory: &Path, shard: u16) {
        let folder = directory.join(format!("shard-{shard:04}"));
        std::fs::create_dir_all(&folder).unwrap();
        let mut segment = Segment::new(1, shard, self.segment_bytes);
        let (mut previous, mut sequence) = (0, 1);
        for entries in turns(&self.entries, self.batch) {
            let mut buffer = RecordBuffer::default();
            buffer.start(sequence);
            for entry in entries {
                buffer.push(entry.kind, entry.version, entry.actor, |out| {
                    out.extend_from_slice(&entry.payload);
                });
            }
            let mut header = BatchHeader {
                length: 0,
                checksum: 0,
                sequence,
                records: buffer.count(),
                epoch: entries[0].epoch,
                time_ms: entries[0].time_ms,
                synced: if self.synced == 0 {
                    sequence
                } else {
                    self.synced
                },
                previous,
                shard,
            };
            if segment.bytes.len() + 64 + buffer.bytes().len() > segment.size() {
                let number = segment.header.number + 1;
                segment.write(&folder);
                segment = Segment::new(number, shard, self.segment_bytes);
            }
            let head = header.seal(&segment.header.salt, buffer.bytes());
            segment.bytes.extend_from_slice(&head);
            segment.bytes.extend_from_slice(buffer.bytes());
            previous = header.checksum;
            sequence += u64::from(buffer.count());
        }
        segment.write(&folder);
    }
}

/// Records of equal time go together, at most `batch` of them.
fn turns(entries: &[Entry], batch: usize) -> impl Iterator<Item = &[Entry]> {
    entries
        .chunk_by(|a, b| a.time_ms == b.time_ms && a.epoch == b.epoch)
        .flat_map(move |turn| turn.chunks(batch))
}

pub fn accepted(order: u128, version: u16, flags: u8, lines: &[u8]) -> OrderAccepted<'_> {
    OrderAccepted {
        key: OrderKey(order),
        fingerprint: 10 + u64::from(version),
        customer: 42,
        total: 1_999,
        ttl_ms: TTL_MS,
        tenant: TENANT,
        channel: ChannelId(3),
        version,
        currency: 978,
        flags,
        allocations: Lines::from_bytes(lines),
        requested: Lines::default(),
        destination: None,
        details: &[],
        details_version: 0,
    }
}

struct Segment {
    header: SegmentHeader,
    bytes: Vec<u8>,
}

impl Segment {
    fn new(number: u32, shard: u16, size_bytes: u64) -> Self {
        let header = SegmentHeader {
            shard,
            number,
            size_bytes,
            salt: Salt::new([u8::try_from(number % 251).unwrap() + 1; 16]),
        };
        let mut bytes = header.encode().to_vec();
        bytes.resize(usize::try_from(SEGMENT_HEADER_BYTES).unwrap(), 0);
        Self { header, bytes }
    }

    fn size(&self) -> usize {
        usize::try_from(self.header.size_bytes).unwrap()
    }

    fn write(mut self, folder: &Path) {
        let used = self.bytes.len();
        assert!(used <= self.size());
        self.bytes.resize(self.size(), 0);
        let name = segment_name(self.header.number);
        std::fs::write(folder.join(name), &self.bytes).unwrap();
    }
}
