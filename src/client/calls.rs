//! One method an opcode: send, wait, take the answer apart.

use super::answers::{
    LocationAnswer, OrderAnswer, ReserveAnswer, SkuAnswer, StatisticsAnswer, StockAnswer,
};
use super::connection::{Connection, ReplyFrame, answer, unexpected};
use super::error::ClientError;
use crate::limits::QUERY_ITEMS_MAX;
use crate::types::{LocationId, OrderKey, SkuId};
use crate::wire::item::Item;
use crate::wire::opcode::Opcode;
use crate::wire::reply::catalog::LIST_END;
use crate::wire::reply::query::CUT;
use crate::wire::reply::{NameReply, OrderCommandReply, Reply, StockEvent, StockReply};
use crate::wire::request::session::PING_BYTES_MAX;
use crate::wire::request::{
    Adjust, ExtendItem, LinesCommand, ListPage, LocationDefinition, Move, Name, OrderCommandItem,
    Ping, Receive, ReserveItem, SetOnHand, SkuDefinition, Statistics, StockQueryItem, Transfer,
};

macro_rules! batched {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident($item:ty) -> $reply:ident($answer:ty) = $opcode:ident;
    )+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// # Errors
            /// See [`ClientError`]; answers that say no are in the result.
            pub fn $name(&mut self, items: &[$item]) -> Result<Vec<$answer>, ClientError> {
                let frame = self.call(Opcode::$opcode, items)?;
                match answer(&frame)? {
                    Reply::$reply(answers) if answers.len() == items.len() => {
                        Ok(answers.collect())
                    }
                    _ => Err(unexpected(Opcode::$opcode)),
                }
            }
        )+
    };
}

macro_rules! single {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident($item:ty) -> $reply:ident($answer:ty) = $opcode:ident;
    )+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// # Errors
            /// See [`ClientError`]; an answer that says no is a result.
            pub fn $name(&mut self, command: &$item) -> Result<$answer, ClientError> {
                let frame = self.call(Opcode::$opcode, &[*command])?;
                match answer(&frame)? {
                    Reply::$reply(mut answers) => {
                        answers.next().ok_or_else(|| unexpected(Opcode::$opcode))
                    }
                    _ => Err(unexpected(Opcode::$opcode)),
                }
            }
        )+
    };
}

impl Connection {
    batched! {
        /// Handles of SKUs by name, defining those that are new.
        define_skus(SkuDefinition<'_>) -> Names(NameReply) = DefineSku;
        /// Handles of SKUs by name.
        resolve_skus(Name<'_>) -> Names(NameReply) = ResolveSku;
        /// Handles of locations by name, defining those that are new.
        define_locations(LocationDefinition<'_>) -> Names(NameReply) = DefineLocation;
        /// Handles of locations by name.
        resolve_locations(Name<'_>) -> Names(NameReply) = ResolveLocation;
        /// Books stock in.
        receive_stock(Receive) -> Stock(StockReply) = Receive;
        /// Confirms holds in full.
        confirm(OrderCommandItem) -> OrderCommands(OrderCommandReply) = Confirm;
        /// Gives holds back.
        release(OrderCommandItem) -> OrderCommands(OrderCommandReply) = Release;
        /// Lets holds end later.
        extend(ExtendItem) -> OrderCommands(OrderCommandReply) = Extend;
        /// Cancels orders that have not shipped.
        cancel(OrderCommandItem) -> OrderCommands(OrderCommandReply) = Cancel;
    }

    single! {
        /// Corrects on hand by a difference.
        adjust(Adjust<'_>) -> Stock(StockReply) = Adjust;
        /// Sets on hand, if it is what is expected.
        set_on_hand(SetOnHand) -> Stock(StockReply) = Set;
        /// Moves available units to another location.
        transfer(Transfer) -> Stock(StockReply) = Transfer;
        /// Moves units between the buckets of one cell.
        move_units(Move) -> Stock(StockReply) = Move;
        /// Confirms some lines of a hold and releases the rest.
        confirm_lines(LinesCommand<'_>) -> OrderCommands(OrderCommandReply) = ConfirmLines;
        /// Units of an order leave for good.
        ship(LinesCommand<'_>) -> OrderCommands(OrderCommandReply) = Ship;
        /// Shipped units come back.
        return_units(LinesCommand<'_>) -> OrderCommands(OrderCommandReply) = Return;
    }

    fn call<'a, T: Item<'a>>(
        &mut self,
        opcode: Opcode,
        items: &[T],
    ) -> Result<ReplyFrame, ClientError> {
        let id = self.send(opcode, items)?;
        self.receive(id)
    }

    /// Takes orders: at most `FRAME_ITEMS_MAX` and 1 MiB in one call.
    ///
    /// # Errors
    /// See [`ClientError`]; refused orders are in the result.
    pub fn reserve(
        &mut self,
        orders: &[ReserveItem<'_>],
    ) -> Result<Vec<ReserveAnswer>, ClientError> {
        let frame = self.call(Opcode::Reserve, orders)?;
        match answer(&frame)? {
            Reply::Reserve(reply) if reply.items.len() == orders.len() => {
                Ok(ReserveAnswer::collect(&reply))
            }
            _ => Err(unexpected(Opcode::Reserve)),
        }
    }

    /// Sends up to 64 bytes there and back.
    ///
    /// # Errors
    /// See [`ClientError`]; other bytes coming back is `UnexpectedReply`.
    pub fn ping(&mut self, echo: &[u8]) -> Result<(), ClientError> {
        let echo = echo.get(..PING_BYTES_MAX).unwrap_or(echo);
        let frame = self.call(Opcode::Ping, &[Ping { echo }])?;
        match answer(&frame)? {
            Reply::Ping(bytes) if bytes == echo => Ok(()),
            _ => Err(unexpected(Opcode::Ping)),
        }
    }

    /// The shard's counters; with `digest` (admin only) also a hash of its whole state.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn statistics(&mut self, digest: bool) -> Result<StatisticsAnswer, ClientError> {
        let frame = self.call(Opcode::Statistics, &[Statistics { digest }])?;
        match answer(&frame)? {
            Reply::Statistics(reply) => Ok(reply.into()),
            _ => Err(unexpected(Opcode::Statistics)),
        }
    }

    /// The cells of each of these SKUs, asking again where an answer was cut.
    ///
    /// # Errors
    /// See [`ClientError`]; unknown SKUs are in the result.
    pub fn query_stock(&mut self, skus: &[SkuId]) -> Result<Vec<StockAnswer>, ClientError> {
        let mut answers = Vec::with_capacity(skus.len());
        for skus in skus.chunks(QUERY_ITEMS_MAX) {
            let first_location = LocationId(0);
            let items: Vec<_> = skus
                .iter()
                .map(|&sku| StockQueryItem {
                    sku,
                    from: first_location,
                })
                .collect();
            self.query_stock_pages(items, &mut answers)?;
        }
        Ok(answers)
    }

    fn query_stock_pages(
        &mut self,
        items: Vec<StockQueryItem>,
        answers: &mut Vec<StockAnswer>,
    ) -> Result<(), ClientError> {
        let base = answers.len();
        let mut asked: Vec<(usize, StockQueryItem)> = items.into_iter().enumerate().collect();
        while !asked.is_empty() {
            let items: Vec<_> = asked.iter().map(|(_, item)| *item).collect();
            let frame = self.call(Opcode::QueryStock, &items)?;
            let Reply::QueryStock(entries) = answer(&frame)? else {
                return Err(unexpected(Opcode::QueryStock));
            };
            if entries.len() != items.len() {
                return Err(unexpected(Opcode::QueryStock));
            }
            let mut cut = Vec::new();
            let mut progress = false;
            for ((place, item), entry) in asked.into_iter().zip(entries) {
                match answers.get_mut(base + place) {
                    Some(known) => {
                        known.sequence = entry.sequence;
                        known.cells.extend(entry.cells);
                    }
                    None => answers.push(StockAnswer {
                        code: entry.code,
                        sku: entry.sku,
                        sequence: entry.sequence,
                        cells: entry.cells.collect(),
                    }),
                }
                progress |= entry.flags & CUT == 0 || entry.next != item.from;
                if entry.flags & CUT != 0 {
                    let from = entry.next;
                    cut.push((place, StockQueryItem { from, ..item }));
                }
            }
            if !progress {
                return Err(unexpected(Opcode::QueryStock));
            }
            asked = cut;
        }
        Ok(())
    }

    /// Each of these orders with its lines, asking again where lines were left out.
    ///
    /// # Errors
    /// See [`ClientError`]; unknown orders are in the result.
    pub fn query_orders(&mut self, keys: &[OrderKey]) -> Result<Vec<OrderAnswer>, ClientError> {
        let mut answers: Vec<OrderAnswer> = Vec::with_capacity(keys.len());
        for keys in keys.chunks(QUERY_ITEMS_MAX) {
            answers.extend(self.query_order_frame(keys)?);
        }
        let cut: Vec<usize> = (0..answers.len())
            .filter(|&at| {
                let answer = answers.get(at);
                answer.is_some_and(|answer| answer.summary.flags & CUT != 0)
            })
            .collect();
        // A page of orders with the most lines each is well below a frame.
        for page in cut.chunks(128) {
            let keys: Vec<OrderKey> = page
                .iter()
                .filter_map(|&at| answers.get(at).map(|answer| answer.summary.key))
                .collect();
            for (&at, answer) in page.iter().zip(self.query_order_frame(&keys)?) {
                if let Some(place) = answers.get_mut(at) {
                    *place = answer;
                }
            }
        }
        Ok(answers)
    }

    fn query_order_frame(&mut self, keys: &[OrderKey]) -> Result<Vec<OrderAnswer>, ClientError> {
        let frame = self.call(Opcode::QueryOrder, keys)?;
        match answer(&frame)? {
            Reply::QueryOrder(entries) if entries.len() == keys.len() => {
                Ok(entries.map(OrderAnswer::from).collect())
            }
            _ => Err(unexpected(Opcode::QueryOrder)),
        }
    }

    /// One page of the tenant's SKUs from handle `from` on, and where the next page starts.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn list_skus(
        &mut self,
        from: u32,
        limit: u16,
    ) -> Result<(Vec<SkuAnswer>, Option<u32>), ClientError> {
        let frame = self.call(Opcode::ListSkus, &[ListPage { from, limit }])?;
        match answer(&frame)? {
            Reply::Skus(page) => Ok((page.entries.map(Into::into).collect(), next(page.next))),
            _ => Err(unexpected(Opcode::ListSkus)),
        }
    }

    /// One page of the tenant's locations from handle `from` on, and where the next page starts.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn list_locations(
        &mut self,
        from: u32,
        limit: u16,
    ) -> Result<(Vec<LocationAnswer>, Option<u32>), ClientError> {
        let frame = self.call(Opcode::ListLocations, &[ListPage { from, limit }])?;
        match answer(&frame)? {
            Reply::Locations(page) => Ok((page.entries.map(Into::into).collect(), next(page.next))),
            _ => Err(unexpected(Opcode::ListLocations)),
        }
    }

    /// Subscribes to these SKUs, or to all without any; see [`Connection::next_events`].
    ///
    /// # Errors
    /// See [`ClientError`]; unknown SKUs are in the result.
    pub fn subscribe_stock(&mut self, skus: &[SkuId]) -> Result<Vec<NameReply>, ClientError> {
        let frame = self.call(Opcode::SubscribeStock, skus)?;
        match answer(&frame)? {
            Reply::SubscribeStock(answers) => Ok(answers.collect()),
            _ => Err(unexpected(Opcode::SubscribeStock)),
        }
    }

    /// Stock events that have arrived, the last one of each SKU; waits up to `timeout_ms` for the
    /// first one, and returns none after that.
    ///
    /// # Errors
    /// A broken or closed connection.
    pub fn next_events(&mut self, timeout_ms: u64) -> Result<Vec<StockEvent>, ClientError> {
        self.wait_for_events(timeout_ms)?;
        Ok(self.events.take())
    }
}

fn next(handle: u32) -> Option<u32> {
    (handle != LIST_END).then_some(handle)
}
