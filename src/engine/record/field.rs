//! Fields of record payloads, and structs whose bytes are their fields in order.

use crate::types::channel_event::EventFate;
use crate::types::effect::{EffectClass, EffectKind, EffectNext, Milestone, ProviderId};
use crate::types::process::{
    BreakerCause, BreakerState, OperatorAction, ProcessEvent, ReportFate, ReportKind, ReviewReason,
    SubState, TimerKind,
};
use crate::types::{ChannelId, CommandKey, OrderKey, OrderState, SkuId, TenantId};
use bytes::{Buf, BufMut};

/// A value with one byte form, little-endian.
pub(super) trait Field<'a>: Sized {
    fn take(input: &mut &'a [u8]) -> Option<Self>;
    fn put(&self, out: &mut Vec<u8>);
}

macro_rules! number {
    ($($type:ty: $take:ident $put:ident,)*) => {$(
        impl Field<'_> for $type {
            fn take(input: &mut &[u8]) -> Option<Self> {
                input.$take().ok()
            }
            fn put(&self, out: &mut Vec<u8>) {
                out.$put(*self);
            }
        }
    )*};
}

number! {
    u8: try_get_u8 put_u8,
    u16: try_get_u16_le put_u16_le,
    u32: try_get_u32_le put_u32_le,
    u64: try_get_u64_le put_u64_le,
    u128: try_get_u128_le put_u128_le,
}

macro_rules! wrapped {
    ($($type:ident($inner:ty),)*) => {$(
        impl Field<'_> for $type {
            fn take(input: &mut &[u8]) -> Option<Self> {
                <$inner>::take(input).map(Self)
            }
            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }
        }
    )*};
}

wrapped! {
    OrderKey(u128),
    CommandKey(u128),
    TenantId(u16),
    ChannelId(u16),
    ProviderId(u16),
    SkuId(u32),
}

macro_rules! coded {
    ($($type:ident,)*) => {$(
        impl Field<'_> for $type {
            fn take(input: &mut &[u8]) -> Option<Self> {
                u8::take(input).and_then(Self::from_u8)
            }
            fn put(&self, out: &mut Vec<u8>) {
                out.put_u8(*self as u8);
            }
        }
    )*};
}

coded! {
    BreakerCause, BreakerState, EffectClass, EffectKind, EffectNext, EventFate, Milestone,
    OperatorAction, OrderState, ProcessEvent, ReportFate, ReportKind, ReviewReason, SubState,
    TimerKind,
}

/// Absent is the number 0, which no enumeration with an optional field uses.
impl<'a> Field<'a> for Option<Milestone> {
    fn take(input: &mut &'a [u8]) -> Option<Self> {
        match u8::take(input)? {
            0 => Some(None),
            number => Milestone::from_u8(number).map(Some),
        }
    }
    fn put(&self, out: &mut Vec<u8>) {
        out.put_u8(self.map_or(0, |milestone| milestone as u8));
    }
}

impl Field<'_> for Option<OrderState> {
    fn take(input: &mut &[u8]) -> Option<Self> {
        match u8::take(input)? {
            0 => Some(None),
            number => OrderState::from_u8(number).map(Some),
        }
    }
    fn put(&self, out: &mut Vec<u8>) {
        out.put_u8(self.map_or(0, |state| state as u8));
    }
}

impl Field<'_> for bool {
    fn take(input: &mut &[u8]) -> Option<Self> {
        match u8::take(input)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
    fn put(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(*self));
    }
}

/// Length u16, then UTF-8; a longer text is cut at a character boundary.
impl<'a> Field<'a> for &'a str {
    fn take(input: &mut &'a [u8]) -> Option<Self> {
        let length = usize::from(u16::take(input)?);
        let (text, rest) = input.split_at_checked(length)?;
        *input = rest;
        std::str::from_utf8(text).ok()
    }
    fn put(&self, out: &mut Vec<u8>) {
        let end = self.floor_char_boundary(usize::from(u16::MAX));
        let text = self.get(..end).unwrap_or_default();
        out.put_u16_le(u16::try_from(text.len()).unwrap_or(u16::MAX));
        out.put_slice(text.as_bytes());
    }
}

/// A struct whose bytes are its fields in the order in which they are written here.
macro_rules! layout {
    (
        $(#[$doc:meta])*
        pub struct $name:ident $(<$life:lifetime>)? {
            $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name $(<$life>)? {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl<'bytes $(, $life)?> $crate::engine::record::field::Field<'bytes> for $name $(<$life>)?
        $(where 'bytes: $life)?
        {
            fn take(input: &mut &'bytes [u8]) -> Option<Self> {
                Some(Self {
                    $($field: $crate::engine::record::field::Field::take(input)?,)*
                })
            }

            fn put(&self, out: &mut Vec<u8>) {
                $($crate::engine::record::field::Field::put(&self.$field, out);)*
            }
        }
    };
}

pub(super) use layout;
