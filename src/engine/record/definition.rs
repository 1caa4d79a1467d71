//! Tenants, actors, SKUs and locations as bytes.

use super::{Record, put_name};
use bytes::BufMut;

/// Writes a definition behind the frame.
pub(super) fn put(record: &Record<'_>, out: &mut Vec<u8>) {
    match record {
        Record::TenantDefined { tenant, name } => {
            out.put_u16_le(tenant.0);
            put_name(out, name);
        }
        Record::ActorDefined { actor, name } => {
            out.put_u16_le(actor.0);
            put_name(out, name);
        }
        Record::SkuDefined {
            sku,
            tenant,
            on_sale,
            name,
        } => {
            out.put_u32_le(sku.0);
            out.put_u16_le(tenant.0);
            out.put_u8(u8::from(*on_sale));
            put_name(out, name);
        }
        Record::SkuChanged { sku, on_sale } => {
            out.put_u32_le(sku.0);
            out.put_u8(u8::from(*on_sale));
        }
        Record::SkuQueueSet { sku, queue } => {
            out.put_u32_le(sku.0);
            out.put_u8(*queue as u8);
        }
        Record::LocationDefined {
            location,
            tenant,
            x,
            y,
            priority,
            name,
        } => {
            out.put_u16_le(location.0);
            out.put_u16_le(tenant.0);
            out.put_i32_le(*x);
            out.put_i32_le(*y);
            out.put_u16_le(*priority);
            put_name(out, name);
        }
        _ => unreachable!("the other kinds are written by `Record::put`"),
    }
}
