//! One hash over the whole state, equal after replay.
//!
//! BLAKE3 over names, SKUs with their cells, locations and orders with their lines, each table in
//! order of its numbers, over the running hashes of refusals and command results, and, once there
//! are pipelines or channels, over the whole tables of those and of what channels sent. Left out is
//! what options or time decide: the secret, how much the bounded memories still hold, timers.

use super::Engine;
use super::command::CellQuantities;
use super::record::Record;
use crate::types::record::RecordBuffer;
use crate::types::{ActorId, TenantId};

/// Collects small fields into larger updates.
struct Writer {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl Writer {
    fn put(&mut self, field: &[u8]) {
        self.buffer.extend_from_slice(field);
        if self.buffer.len() >= 64 << 10 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.hasher.update(&self.buffer);
        self.buffer.clear();
    }

    fn number(&mut self, number: u64) {
        self.put(&number.to_le_bytes());
    }

    fn small(&mut self, number: u32) {
        self.put(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.put(text.as_bytes());
    }

    fn quantities(&mut self, cell: &CellQuantities) {
        for quantity in [
            cell.on_hand,
            cell.reserved,
            cell.committed,
            cell.safety,
            cell.damaged,
            cell.quality_control,
        ] {
            self.small(quantity);
        }
    }
}

impl Engine {
    /// BLAKE3 over the whole state that records make: equal after replay, independent of the
    /// secret and of how much is remembered by configuration.
    pub fn digest(&self) -> [u8; 32] {
        let mut writer = Writer {
            hasher: blake3::Hasher::new_derive_key("onhand engine state v1"),
            buffer: Vec::with_capacity(68 << 10),
        };
        self.digest_names(&mut writer);
        self.digest_stock(&mut writer);
        self.digest_orders(&mut writer);
        for chain in [
            self.rejections.chain(),
            self.stock_commands.chain(),
            self.order_commands.chain(),
        ] {
            writer.number(chain[0]);
            writer.number(chain[1]);
        }
        if self.processes.is_in_force() {
            let mut bytes = Vec::new();
            self.processes.digest_into(&mut bytes);
            writer.put(&bytes);
        }
        if self.channels.is_in_use() {
            let mut bytes = Vec::new();
            self.channels.digest_into(&mut bytes);
            writer.put(&bytes);
        }
        if self.channel_events.is_in_use() {
            let mut bytes = Vec::new();
            self.channel_events.digest_into(&mut bytes);
            writer.put(&bytes);
        }
        writer.flush();
        writer.hasher.finalize().into()
    }

    /// Journals the digest, for a clean shutdown: replay compares it.
    pub fn push_state_digest(&self, out: &mut RecordBuffer) {
        let digest = self.digest();
        Record::StateDigest { digest }.push(out, ActorId::SYSTEM);
    }

    fn digest_names(&self, writer: &mut Writer) {
        for table in [&self.tenants, &self.actors] {
            writer.number(table.len() as u64);
            for place in table {
                writer.text(self.names.get(*place));
            }
        }
        writer.number(self.inventory.locations().len() as u64);
        for location in self.inventory.locations() {
            writer.put(&location.tenant.0.to_le_bytes());
            writer.put(&location.x.to_le_bytes());
            writer.put(&location.y.to_le_bytes());
            writer.put(&location.priority.to_le_bytes());
            writer.text(self.names.get(location.name));
        }
    }

    fn digest_stock(&self, writer: &mut Writer) {
        writer.number(self.inventory.skus_len() as u64);
        for (number, sku) in self.inventory.skus() {
            writer.put(&sku.tenant.0.to_le_bytes());
            writer.put(&[u8::from(sku.on_sale) | (sku.queue() as u8) << 1]);
            writer.text(self.names.get(sku.name));
            for (_, cell) in self.inventory.cells(number) {
                writer.put(&cell.location.0.to_le_bytes());
                writer.put(&[u8::from(cell.corrected_short)]);
                writer.quantities(&cell.quantities);
                writer.put(&cell.net_in.to_le_bytes());
                writer.put(&cell.net_out.to_le_bytes());
            }
            writer.put(&[0xFF; 2]);
        }
    }

    fn digest_orders(&self, writer: &mut Writer) {
        writer.number(self.orders.len() as u64);
        for (slot, order) in self.orders.iter() {
            let (TenantId(tenant), key) = self.client_key(slot);
            writer.small(slot);
            writer.put(&tenant.to_le_bytes());
            writer.put(&key.0.to_le_bytes());
            writer.number(order.fingerprint);
            writer.number(order.customer);
            writer.number(order.time_ms());
            writer.number(order.sequence());
            writer.put(&order.version.to_le_bytes());
            writer.put(&order.channel.0.to_le_bytes());
            writer.put(&[order.state as u8, order.flags, order.extensions]);
            for line in self.orders.lines(slot).chain(self.orders.requested(slot)) {
                writer.small(line.sku.0);
                writer.put(&line.location.0.to_le_bytes());
                for units in [
                    line.ordered,
                    line.reserved,
                    line.committed,
                    line.shipped,
                    line.returned,
                ] {
                    writer.small(units);
                }
            }
        }
    }
}
