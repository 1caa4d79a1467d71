//! Sales channels: their definition, rules, campaigns, and what was published to them.

use super::field::{Field, layout};
use super::{kind, put_name, take_name};
use crate::types::ChannelKind;
use crate::types::channel_stock::{CampaignEnd, ChannelRule};
use crate::types::{ChannelId, CommandKey, SkuId, TenantId};
use bytes::BufMut;
use std::marker::PhantomData;

/// "Every other SKU": the rule is the channel's default.
const NO_SKU: u32 = u32::MAX;

/// Bits of a rule's last byte: orders may go on from the pool; what was sold before does not count.
const THEN_POOL: u8 = 1;
const ANEW: u8 = 2;

/// A run of items of one size, counted in two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a, T> {
    bytes: &'a [u8],
    item: PhantomData<T>,
}

/// An item of a [`Run`].
pub trait RunItem: Sized {
    /// Its size in bytes.
    const BYTES: usize;

    /// Reads one off the front.
    fn take_item(input: &mut &[u8]) -> Option<Self>;

    /// Appends it.
    fn put_item(&self, out: &mut Vec<u8>);
}

impl<'a, T: RunItem> Run<'a, T> {
    /// A run over whole items, as [`put_run`] wrote them.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len().is_multiple_of(T::BYTES), "whole items");
        Self {
            bytes,
            item: PhantomData,
        }
    }

    /// How many items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() / T::BYTES
    }

    /// True without items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The items, in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || T::take_item(&mut rest))
    }

    fn take(input: &mut &'a [u8]) -> Option<Self> {
        let count = usize::from(u16::take(input)?);
        let (bytes, rest) = input.split_at_checked(count * T::BYTES)?;
        *input = rest;
        Some(Self::from_bytes(bytes))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.put_u16_le(u16::try_from(self.len()).unwrap_or(u16::MAX));
        out.put_slice(self.bytes);
    }
}

/// Appends items for [`Run::from_bytes`].
pub fn put_run<T: RunItem>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>) {
    for item in items {
        item.put_item(out);
    }
}

macro_rules! run_item {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $($(#[$field_doc:meta])* $field:ident: $type:ty),*) => {
        layout! {
            $(#[$doc])*
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)*
            }
        }

        impl RunItem for $name {
            const BYTES: usize = $bytes;

            fn take_item(input: &mut &[u8]) -> Option<Self> {
                Field::take(input)
            }

            fn put_item(&self, out: &mut Vec<u8>) {
                Field::put(self, out);
            }
        }
    };
}

run_item! {
    /// What a campaign wants of a SKU, or was given.
    CampaignUnits, 8,
    /// The SKU.
    sku: SkuId,
    /// Units.
    units: u32
}

run_item! {
    /// What became of a campaign's units of a SKU: `given = sold + returned`.
    CampaignReturn, 16,
    /// The SKU.
    sku: SkuId,
    /// Units that it was given.
    given: u32,
    /// Of those, live or sold at the end.
    sold: u32,
    /// Of those, back in the pool.
    returned: u32
}

run_item! {
    /// One quantity that a channel acknowledged.
    PublishedItem, 16,
    /// The SKU.
    sku: SkuId,
    /// Units on offer there.
    quantity: u32,
    /// Sequence of the last record that the quantity takes into account.
    sequence: u64
}

/// What every keyed command about channels has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelRef {
    /// The command's key; 0 where the engine did it.
    pub key: CommandKey,
    /// The command's meaning.
    pub fingerprint: u64,
    /// Whose.
    pub tenant: TenantId,
    /// Which channel.
    pub channel: ChannelId,
}

impl ChannelRef {
    fn take(input: &mut &[u8]) -> Option<Self> {
        Some(Self {
            key: Field::take(input)?,
            fingerprint: Field::take(input)?,
            tenant: Field::take(input)?,
            channel: ChannelId(u16::take(input)?),
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        Field::put(&self.key, out);
        Field::put(&self.fingerprint, out);
        Field::put(&self.tenant, out);
        out.put_u16_le(self.channel.0);
    }
}

/// A campaign as it was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignDefined<'a> {
    /// Who asked, and whose channel it is.
    pub head: ChannelRef,
    /// Its number within the shard, from 1.
    pub campaign: u32,
    /// When it begins, in milliseconds since the Unix epoch.
    pub from_ms: u64,
    /// When it ends.
    pub to_ms: u64,
    /// When its quota is used up, the channel's orders may go on as without it.
    pub then_pool: bool,
    /// Its name.
    pub name: &'a str,
    /// What it wants.
    pub wants: Run<'a, CampaignUnits>,
}

/// A record about sales channels.
#[allow(missing_docs)] // the fields are named and laid out in docs/JOURNAL.md
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelRecord<'a> {
    /// See [`kind::CHANNEL_DEFINED`].
    Defined {
        tenant: TenantId,
        channel: ChannelId,
        kind: Option<ChannelKind>,
        name: &'a str,
    },
    /// See [`kind::CHANNEL_RULE_SET`]. Without SKU it is about all that have no rule of their own;
    /// without rule the SKU has none any more. Anew: a campaign of the SKU runs, and what was sold
    /// until now does not count.
    RuleSet {
        head: ChannelRef,
        sku: Option<SkuId>,
        rule: Option<ChannelRule>,
        anew: bool,
    },
    /// See [`kind::CAMPAIGN_DEFINED`].
    CampaignDefined(CampaignDefined<'a>),
    /// See [`kind::CAMPAIGN_STARTED`]. What it was given is at most what it wants.
    CampaignStarted {
        tenant: TenantId,
        channel: ChannelId,
        campaign: u32,
        given: Run<'a, CampaignUnits>,
    },
    /// See [`kind::CAMPAIGN_ENDED`]. Nothing was given where it ended before it began.
    CampaignEnded {
        head: ChannelRef,
        campaign: u32,
        cause: CampaignEnd,
        items: Run<'a, CampaignReturn>,
    },
    /// See [`kind::STOCK_PUBLISHED`].
    Published {
        tenant: TenantId,
        channel: ChannelId,
        items: Run<'a, PublishedItem>,
    },
}

impl<'a> ChannelRecord<'a> {
    /// The number of this record's kind.
    #[must_use]
    pub fn kind(&self) -> u8 {
        match self {
            Self::Defined { .. } => kind::CHANNEL_DEFINED,
            Self::RuleSet { .. } => kind::CHANNEL_RULE_SET,
            Self::CampaignDefined(_) => kind::CAMPAIGN_DEFINED,
            Self::CampaignStarted { .. } => kind::CAMPAIGN_STARTED,
            Self::CampaignEnded { .. } => kind::CAMPAIGN_ENDED,
            Self::Published { .. } => kind::STOCK_PUBLISHED,
        }
    }

    /// Whose channel it is about, and which.
    #[must_use]
    pub fn channel(&self) -> (TenantId, ChannelId) {
        match *self {
            Self::Defined {
                tenant, channel, ..
            }
            | Self::CampaignStarted {
                tenant, channel, ..
            }
            | Self::Published {
                tenant, channel, ..
            } => (tenant, channel),
            Self::RuleSet { head, .. } | Self::CampaignEnded { head, .. } => {
                (head.tenant, head.channel)
            }
            Self::CampaignDefined(planned) => (planned.head.tenant, planned.head.channel),
        }
    }

    pub(super) fn take(number: u8, input: &mut &'a [u8]) -> Option<Self> {
        Some(match number {
            kind::CHANNEL_DEFINED => Self::Defined {
                tenant: Field::take(input)?,
                channel: ChannelId(u16::take(input)?),
                kind: take_kind(input)?,
                name: take_name(input)?,
            },
            kind::CHANNEL_RULE_SET => {
                let head = ChannelRef::take(input)?;
                let sku = u32::take(input)?;
                let (rule, anew) = take_rule(input)?;
                Self::RuleSet {
                    head,
                    sku: Some(sku).filter(|sku| *sku != NO_SKU).map(SkuId),
                    rule,
                    anew,
                }
            }
            kind::CAMPAIGN_DEFINED => Self::CampaignDefined(CampaignDefined {
                head: ChannelRef::take(input)?,
                campaign: Field::take(input)?,
                from_ms: Field::take(input)?,
                to_ms: Field::take(input)?,
                then_pool: Field::take(input)?,
                name: take_name(input)?,
                wants: Run::take(input)?,
            }),
            kind::CAMPAIGN_STARTED => Self::CampaignStarted {
                tenant: Field::take(input)?,
                channel: ChannelId(u16::take(input)?),
                campaign: Field::take(input)?,
                given: Run::take(input)?,
            },
            kind::CAMPAIGN_ENDED => Self::CampaignEnded {
                head: ChannelRef::take(input)?,
                campaign: Field::take(input)?,
                cause: CampaignEnd::from_u8(u8::take(input)?)?,
                items: Run::take(input)?,
            },
            kind::STOCK_PUBLISHED => Self::Published {
                tenant: Field::take(input)?,
                channel: ChannelId(u16::take(input)?),
                items: Run::take(input)?,
            },
            _ => return None,
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Defined {
                tenant,
                channel,
                kind,
                name,
            } => {
                Field::put(&tenant, out);
                out.put_u16_le(channel.0);
                out.put_u8(kind.map_or(0, |kind| kind as u8));
                put_name(out, name);
            }
            Self::RuleSet {
                head,
                sku,
                rule,
                anew,
            } => {
                head.put(out);
                out.put_u32_le(sku.map_or(NO_SKU, |sku| sku.0));
                out.put_u8(rule.map_or(0, ChannelRule::number));
                out.put_u32_le(rule.map_or(0, ChannelRule::units));
                let then_pool = rule.is_some_and(ChannelRule::then_pool);
                let then_pool = if then_pool { THEN_POOL } else { 0 };
                out.put_u8(then_pool | if anew { ANEW } else { 0 });
            }
            Self::CampaignDefined(planned) => {
                planned.head.put(out);
                out.put_u32_le(planned.campaign);
                out.put_u64_le(planned.from_ms);
                out.put_u64_le(planned.to_ms);
                Field::put(&planned.then_pool, out);
                put_name(out, planned.name);
                planned.wants.put(out);
            }
            Self::CampaignStarted {
                tenant,
                channel,
                campaign,
                given,
            } => {
                Field::put(&tenant, out);
                out.put_u16_le(channel.0);
                out.put_u32_le(campaign);
                given.put(out);
            }
            Self::CampaignEnded {
                head,
                campaign,
                cause,
                items,
            } => {
                head.put(out);
                out.put_u32_le(campaign);
                out.put_u8(cause as u8);
                items.put(out);
            }
            Self::Published {
                tenant,
                channel,
                items,
            } => {
                Field::put(&tenant, out);
                out.put_u16_le(channel.0);
                items.put(out);
            }
        }
    }
}

/// A channel's kind; number 0 is none.
#[allow(clippy::option_option)] // malformed, none, one
fn take_kind(input: &mut &[u8]) -> Option<Option<ChannelKind>> {
    match u8::take(input)? {
        0 => Some(None),
        number => ChannelKind::from_u8(number).map(Some),
    }
}

/// A rule in six bytes, and whether it counts anew; number 0 is none.
fn take_rule(input: &mut &[u8]) -> Option<(Option<ChannelRule>, bool)> {
    let (number, units, flags) = (u8::take(input)?, u32::take(input)?, u8::take(input)?);
    if flags & !(THEN_POOL | ANEW) != 0 {
        return None;
    }
    if (number, units, flags) == (0, 0, 0) {
        return Some((None, false));
    }
    let rule = ChannelRule::from_parts(number, units, flags & THEN_POOL != 0)?;
    Some((Some(rule), flags & ANEW != 0))
}
