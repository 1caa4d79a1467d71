//! Every operation of `/v1`, once: the router, the roles, the API document and the table in
//! `docs/API.md` are made of this.

use super::auth::Caller;
use super::channel_shapes::{
    ChannelOutcome, ChannelStockPage, Channels, NewCampaign, NewChannel, NewRule,
};
use super::holds::{Confirmed, Extension, Nothing};
use super::operation::Operation;
use super::place::NewOrder;
use super::shapes::{
    BreakerChange, BreakerPage, DeadLetter, DeadLetterPage, Definition, EventPage, Location,
    LocationPage, Order, OrderPage, Outcome, PipelinePage, Placed, Recovery, Sku, SkuPage,
    SkuStock, Status, StockOutcome, StockPage,
};
use super::shapes::{HeldEventChange, HeldEventDetail, HeldEventPage, MappingChange, MappingPage};
use super::stock::{Adjustment, BucketMove, Count, Receipt, Transfer};
use super::subscribers::{Subscriber, SubscriberChange, SubscriberPage};
use super::{
    breakers, catalog, channels, dead_letters, edit, events, holds, mappings, orders, pipelines,
};
use super::{place, quarantine, recovery, review, status, stock, subscribers};
use crate::gateway::state::Shared;
use crate::types::Role::{self, Connector, Operator};
use crate::types::process::OperatorAction;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

/// Parameters of a list.
const PAGE: &[&str] = &["limit", "after"];

/// All of them, in the order of the documents.
pub(in crate::gateway) fn all() -> Vec<Operation> {
    let groups = [
        orders(),
        after_confirmation(),
        of_holds(),
        of_stock(),
        definitions(),
        operation(),
        letters(),
        of_channels(),
        of_events(),
        of_held_events(),
    ];
    groups.into_iter().flatten().collect()
}

/// A decision about an order: one handler, which differs in what is decided.
fn decision(role: Role, action: OperatorAction, path: &'static str) -> Operation {
    let handler = move |State(shared): State<Shared>,
                        caller: Caller,
                        Path(order): Path<String>,
                        headers: HeaderMap,
                        body: Body| async move {
        orders::decided(&shared, &caller, (action, &order), &headers, body).await
    };
    Operation::post(role, path, handler)
        .may_take::<orders::Because>()
        .answers::<Outcome>()
        .stamped()
}

fn orders() -> Vec<Operation> {
    vec![
        Operation::post(Connector, "/orders", place::order)
            .about("Place an order: it enters its pipeline")
            .takes::<NewOrder>()
            .creates::<Placed>(),
        Operation::get("/orders", orders::list)
            .about("Orders in process, oldest first")
            .query(&["state", "limit", "after"])
            .answers::<OrderPage>(),
        Operation::get("/orders/{order}", orders::show)
            .about("One order, in process or not")
            .answers::<Order>()
            .stamped(),
        decision(Connector, OperatorAction::Cancel, "/orders/{order}/cancel")
            .about("Cancel before shipment; what was done is undone"),
        Operation::post(Connector, "/orders/{order}/edit", edit::edit)
            .about("The next version, until the warehouse has the order: all of it or nothing; what is absent stays")
            .may_take::<edit::Edit>()
            .answers::<Outcome>()
            .stamped(),
    ]
}

fn after_confirmation() -> Vec<Operation> {
    vec![
        Operation::post(Operator, "/orders/{order}/ship", orders::ship)
            .about("Everything that has not shipped has left")
            .may_take::<orders::Shipment>()
            .answers::<Outcome>()
            .stamped(),
        decision(Operator, OperatorAction::Deliver, "/orders/{order}/deliver")
            .about("The parcel arrived"),
        Operation::post(Operator, "/orders/{order}/return", orders::give_back)
            .about("Shipped units came back; without lines, all that are out")
            .may_take::<orders::Returned>()
            .answers::<Outcome>()
            .stamped(),
        Operation::post(Operator, "/orders/{order}/refund", orders::refund)
            .about("Give money back; amount 0: everything captured and not given back")
            .may_take::<orders::Refund>()
            .answers::<Outcome>()
            .stamped(),
    ]
}

fn of_holds() -> Vec<Operation> {
    vec![
        Operation::post(Connector, "/holds", place::hold)
            .about("Hold units until they are confirmed, released, or the time is over")
            .takes::<NewOrder>()
            .creates::<Placed>(),
        Operation::post(Connector, "/holds/{order}/confirm", holds::confirm)
            .about("Held units become committed ones; with lines only those")
            .may_take::<Confirmed>()
            .answers::<Outcome>()
            .stamped(),
        Operation::post(Connector, "/holds/{order}/release", holds::release)
            .about("Held units are for sale again")
            .may_take::<Nothing>()
            .answers::<Outcome>()
            .stamped(),
        Operation::post(Connector, "/holds/{order}/extend", holds::extend)
            .about("The hold ends so many milliseconds from now, if that is later")
            .takes::<Extension>()
            .answers::<Outcome>()
            .stamped(),
    ]
}

fn of_stock() -> Vec<Operation> {
    vec![
        Operation::get("/stock", stock::list)
            .about("Stock of every SKU, by location")
            .query(PAGE)
            .answers::<StockPage>(),
        Operation::get("/stock/{sku}", stock::show)
            .about("Stock of one SKU, by location")
            .answers::<SkuStock>(),
        Operation::post(Operator, "/stock/{sku}/receive", stock::receive)
            .about("Units arrived")
            .takes::<Receipt>()
            .answers::<StockOutcome>(),
        Operation::post(Operator, "/stock/{sku}/adjust", stock::adjust)
            .about("Correct on hand by a difference, with a reason")
            .takes::<Adjustment>()
            .answers::<StockOutcome>(),
        Operation::post(Operator, "/stock/{sku}/set", stock::set)
            .about("Set on hand; with `expect` only if it is that now")
            .takes::<Count>()
            .answers::<StockOutcome>(),
        Operation::post(Operator, "/stock/{sku}/transfer", stock::transfer)
            .about("Move available units to another location, at once on both sides")
            .takes::<Transfer>()
            .answers::<StockOutcome>(),
        Operation::post(Operator, "/stock/{sku}/move", stock::shift)
            .about("Move units between the buckets of one location")
            .takes::<BucketMove>()
            .answers::<StockOutcome>(),
    ]
}

fn definitions() -> Vec<Operation> {
    vec![
        Operation::get("/skus", catalog::skus)
            .about("Every SKU")
            .query(PAGE)
            .answers::<SkuPage>(),
        Operation::get("/skus/{sku}", catalog::sku)
            .about("One SKU")
            .answers::<Sku>(),
        Operation::put(Operator, "/skus/{sku}", catalog::put_sku)
            .about("Define a SKU, put it on or off sale, or set who waits for it first")
            .may_take::<catalog::SkuDefinition>()
            .answers::<Definition>(),
        Operation::get("/locations", catalog::locations)
            .about("Every location")
            .query(PAGE)
            .answers::<LocationPage>(),
        Operation::get("/locations/{location}", catalog::location)
            .about("One location")
            .answers::<Location>(),
        Operation::put(Operator, "/locations/{location}", catalog::put_location)
            .about("Define a location; one that is there keeps its place")
            .may_take::<catalog::LocationDefinition>()
            .answers::<Definition>(),
    ]
}

fn operation() -> Vec<Operation> {
    vec![
        Operation::get("/review", review::list)
            .about("Orders in review, oldest first")
            .query(PAGE)
            .answers::<OrderPage>(),
        decision(Operator, OperatorAction::Approve, "/review/{order}/approve")
            .about("Go on with an order in review"),
        decision(Operator, OperatorAction::Decline, "/review/{order}/decline")
            .about("End an order in review"),
        Operation::get("/pipelines", pipelines::show)
            .about("The pipelines that new orders take, and who serves their steps")
            .answers::<PipelinePage>(),
        Operation::get("/breakers", breakers::list)
            .about("Every provider's breaker in the tenant's shard")
            .answers::<BreakerPage>(),
        Operation::post(Operator, "/breakers/{provider}/isolate", breakers::isolate)
            .about("No call goes out to the provider until it is reset")
            .may_take::<Nothing>()
            .answers::<BreakerChange>(),
        Operation::post(Operator, "/breakers/{provider}/reset", breakers::reset)
            .about("Calls go out to the provider again")
            .may_take::<Nothing>()
            .answers::<BreakerChange>(),
        Operation::get("/status", status::show)
            .about("Who asks, counters of the tenant's shard, and how far its journal is")
            .answers::<Status>(),
    ]
}

fn letters() -> Vec<Operation> {
    vec![
        Operation::get("/dead-letters", dead_letters::list)
            .about("Effects that exhausted their attempts; `limit` counts orders")
            .query(PAGE)
            .answers::<DeadLetterPage>(),
        Operation::get("/dead-letters/{order}/{effect}", dead_letters::show)
            .about("One of them")
            .answers::<DeadLetter>(),
        Operation::post(
            Operator,
            "/dead-letters/{order}/{effect}/redrive",
            dead_letters::redrive,
        )
        .about("Try it again with the same key")
        .may_take::<orders::Because>()
        .answers::<Outcome>(),
        Operation::post(
            Operator,
            "/dead-letters/{order}/{effect}/discard",
            dead_letters::discard,
        )
        .about("Give it up")
        .may_take::<orders::Because>()
        .answers::<Outcome>(),
        Operation::post(
            Operator,
            "/dead-letters/{order}/{effect}/edit",
            dead_letters::edit,
        )
        .about("Another reference or recipient, before a redrive")
        .takes::<dead_letters::Correction>()
        .answers::<Outcome>(),
        Operation::post(Operator, "/dead-letters/redrive", dead_letters::redrive_all)
            .about("Try all of one cause again, and count what became of them")
            .may_take::<recovery::Cause>()
            .answers::<Recovery>(),
    ]
}

fn of_channels() -> Vec<Operation> {
    vec![
        Operation::get("/channels", channels::list)
            .about("Every sales channel with its rules, and every campaign")
            .answers::<Channels>(),
        Operation::put(Operator, "/channels/{number}", channels::define)
            .about("Define a channel, or give it another name or kind")
            .takes::<NewChannel>()
            .answers::<ChannelOutcome>(),
        Operation::put(Operator, "/channels/{number}/rules", channels::set_rule)
            .about("What the channel may sell of a SKU, or of all without a rule")
            .takes::<NewRule>()
            .answers::<ChannelOutcome>(),
        Operation::get("/channels/{number}/stock", channels::stock)
            .about("What the channel is to offer, and the sequence at which that is true")
            .query(&["sku", "after"])
            .answers::<ChannelStockPage>(),
        Operation::post(Operator, "/channels/{number}/campaigns", channels::plan)
            .about("Plan a campaign: units of its own for a time")
            .takes::<NewCampaign>()
            .answers::<ChannelOutcome>(),
        Operation::post(Operator, "/campaigns/{campaign}/end", channels::end)
            .about("End a campaign now, or cancel it before it begins")
            .answers::<ChannelOutcome>(),
    ]
}

fn of_events() -> Vec<Operation> {
    vec![
        Operation::get("/events", events::list)
            .about("What happened, oldest first, from a cursor on")
            .query(&["after", "limit", "kind"])
            .answers::<EventPage>(),
        Operation::get("/events/stream", events::stream)
            .about("What happens, as server-sent events, from a cursor or from now on")
            .query(&["after", "kind"])
            .streams(),
        Operation::get("/subscribers", subscribers::list)
            .needs(Operator)
            .about("Who is sent events as webhooks, and how far")
            .answers::<SubscriberPage>(),
        Operation::get("/subscribers/{subscriber}", subscribers::show)
            .needs(Operator)
            .about("One of them")
            .answers::<Subscriber>(),
        Operation::post(
            Operator,
            "/subscribers/{subscriber}/rewind",
            subscribers::rewind,
        )
        .about("Send a subscriber events from somewhere else on, or have it served again")
        .may_take::<subscribers::Rewind>()
        .answers::<SubscriberChange>(),
    ]
}

fn of_held_events() -> Vec<Operation> {
    vec![
        Operation::get("/quarantine", quarantine::list)
            .about("What channels sent and a person has to see to, oldest first")
            .query(&["fate", "channel", "limit", "after"])
            .answers::<HeldEventPage>(),
        Operation::get("/quarantine/{event}", quarantine::show)
            .needs(Operator)
            .about("One of them, with headers and body as received")
            .answers::<HeldEventDetail>(),
        Operation::post(Operator, "/quarantine/{event}/redrive", quarantine::redrive)
            .about("Work it off once more, as if it had just come")
            .may_take::<orders::Because>()
            .answers::<HeldEventChange>(),
        Operation::post(Operator, "/quarantine/{event}/discard", quarantine::discard)
            .about("Give it up")
            .may_take::<orders::Because>()
            .answers::<HeldEventChange>(),
        Operation::get("/mappings/{channel}", mappings::list)
            .about("Which SKU each item of a channel stands for")
            .query(PAGE)
            .answers::<MappingPage>(),
        Operation::put(Operator, "/mappings/{channel}", mappings::put)
            .about("Set up to 500 mappings, each by itself; also as CSV")
            .takes::<mappings::Mappings>()
            .answers::<MappingChange>(),
        Operation::post(Operator, "/mappings/{channel}", mappings::put)
            .about("The same as PUT")
            .takes::<mappings::Mappings>()
            .answers::<MappingChange>(),
    ]
}
