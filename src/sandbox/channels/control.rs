//! The controls that all marketplaces share: see the table of the parent module.

use super::market::{Market, Order};
use crate::sandbox::control::refuse;
use crate::sandbox::{Core, Reply, Request};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Time between two looks of buyers who order by themselves, in milliseconds.
const TICK_MS: u64 = 10;

/// The most orders of one `sell`.
const MOST_AT_ONCE: u32 = 100_000;

/// Why an order is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Updated,
    Cancelled,
}

/// What a marketplace adds to the shared controls.
pub(super) trait Channel {
    fn name(&self) -> &'static str;
    fn market(&self) -> &Market;
    /// The marketplace's id of an order.
    fn order_id(&self, number: u64) -> String;
    /// The number behind an id.
    fn order_number(&self, id: &str) -> Option<u64>;
    /// The marketplace's ids of a product.
    fn item_ids(&self, number: u64, sku: &str) -> Value;
    /// How a mapping names the product: the item of orders, and what writing stock takes beside.
    fn mapping(&self, number: u64, sku: &str) -> (String, Vec<(&'static str, String)>);
    /// Tells the merchant by webhook.
    fn tell(&self, order: &Order, change: Change, core: &Core);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Items {
    items: Vec<NewItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewItem {
    sku: String,
    #[serde(default)]
    stock: i64,
    #[serde(default = "usual_price")]
    price_minor: u64,
}

fn usual_price() -> u64 {
    1_990
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sell {
    #[serde(default = "one")]
    orders: u32,
    #[serde(default)]
    sku: Option<String>,
    #[serde(default = "one")]
    quantity: u32,
    #[serde(default = "yes")]
    paid: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    rate: f64,
    seconds: f64,
    #[serde(default = "one")]
    quantity: u32,
    #[serde(default)]
    sku: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfOrder {
    order: String,
    #[serde(default)]
    quantity: u32,
    #[serde(default)]
    topic: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    behind: u64,
    #[serde(default = "page")]
    most: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    sku: String,
    #[serde(default = "yes")]
    refuse: bool,
}

fn one() -> u32 {
    1
}

fn page() -> usize {
    10_000
}

fn yes() -> bool {
    true
}

/// Answers a control, or `None` where there is no such action.
pub(super) fn control(
    channel: &dyn Channel,
    action: &str,
    request: &Request,
    core: &Core,
) -> Option<Reply> {
    let said = match action {
        "items" => read(request).map(|body| define(channel, &body)),
        "sell" => read(request).map(|body| sell(channel, &body, core)),
        "run" => read(request).and_then(|body| start(channel, &body, core)),
        "cancel" => read(request).and_then(|body| cancel(channel, &body, core)),
        "change" => read(request).and_then(|body| change(channel, &body, core)),
        "send" => read(request).and_then(|body| send(channel, &body, core)),
        "refuse" => read(request).and_then(|body| spoil(channel, &body)),
        "orders" => read(request).map(|body| list(channel, &body)),
        "truth" => Ok(Reply::json(200, &channel.market().lock().truth())),
        _ => return None,
    };
    Some(said.unwrap_or_else(|reply| reply))
}

fn read<T: for<'a> Deserialize<'a>>(request: &Request) -> Result<T, Reply> {
    serde_json::from_slice(&request.body).map_err(|error| refuse(400, &error.to_string()))
}

fn define(channel: &dyn Channel, body: &Items) -> Reply {
    let mut state = channel.market().lock();
    let mut defined = Vec::with_capacity(body.items.len());
    for item in &body.items {
        match state.define(&item.sku, item.stock, item.price_minor) {
            Some(number) => defined.push(with_mapping(channel, number, item)),
            None => return refuse(400, "a product without SKU, or one too many"),
        }
    }
    Reply::json(200, &json!({"items": defined}))
}

/// A product's ids, with what `PUT /v1/mappings/CHANNEL` takes for it.
fn with_mapping(channel: &dyn Channel, number: u64, item: &NewItem) -> Value {
    let mut ids = channel.item_ids(number, &item.sku);
    let (name, beside) = channel.mapping(number, &item.sku);
    let beside = beside
        .into_iter()
        .map(|(key, text)| (key, Value::from(text)));
    let price = ("price", Value::from(item.price_minor.to_string()));
    let write_back: Map<String, Value> = beside
        .chain([price])
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    if let Some(ids) = ids.as_object_mut() {
        let mapping = json!({"item": name, "sku": item.sku, "write_back": write_back});
        ids.insert("mapping".to_owned(), mapping);
    }
    ids
}

fn sell(channel: &dyn Channel, body: &Sell, core: &Core) -> Reply {
    let mut sold = Vec::new();
    for _ in 0..body.orders.min(MOST_AT_ONCE) {
        if let Some(order) = buy(channel, body.sku.as_deref(), body.quantity, body.paid, core) {
            sold.push(channel.order_id(order.number));
        }
    }
    let refused = body.orders.min(MOST_AT_ONCE) as usize - sold.len();
    Reply::json(
        200,
        &json!({"sold": sold.len(), "sold_out": refused, "orders": sold}),
    )
}

fn buy(
    channel: &dyn Channel,
    sku: Option<&str>,
    quantity: u32,
    paid: bool,
    core: &Core,
) -> Option<Order> {
    let order = channel
        .market()
        .lock()
        .buy(sku, quantity, paid, core.now_ms())?;
    channel.tell(&order, Change::Created, core);
    Some(order)
}

/// Buyers who order by themselves: what is left to do travels in the timer's token.
fn start(channel: &dyn Channel, body: &Run, core: &Core) -> Result<Reply, Reply> {
    let sound = body.rate > 0.0 && body.rate <= 100_000.0;
    if !(sound && body.seconds > 0.0 && body.seconds <= 3_600.0) {
        return Err(refuse(
            400,
            "`rate` is 0 to 100,000 a second, `seconds` 0 to 3,600",
        ));
    }
    let now_ms = core.now_ms();
    let sku = body.sku.as_deref().unwrap_or_default();
    let (rate, quantity) = (body.rate, body.quantity);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked above
    let end_ms = now_ms + (body.seconds * 1e3) as u64;
    let token = format!("run {now_ms} {end_ms} {rate} 0 {quantity} {sku}");
    core.later(channel.name(), 0, token);
    Ok(Reply::json(202, &json!({"until_ms": end_ms})))
}

/// A look of buyers who order by themselves: as many orders as are due by now.
pub(super) fn timer(channel: &dyn Channel, token: &str, core: &Core) -> Option<()> {
    let mut words = token.splitn(7, ' ');
    words.next().filter(|word| *word == "run")?;
    let start_ms: u64 = words.next()?.parse().ok()?;
    let end_ms: u64 = words.next()?.parse().ok()?;
    let rate: f64 = words.next()?.parse().ok()?;
    let mut done: u64 = words.next()?.parse().ok()?;
    let quantity: u32 = words.next()?.parse().ok()?;
    let sku = words.next().filter(|sku| !sku.is_empty());
    let now_ms = core.now_ms().min(end_ms);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )] // at most 3.6e8 orders
    let due = (now_ms.saturating_sub(start_ms) as f64 * rate / 1e3) as u64;
    while done < due {
        buy(channel, sku, quantity, true, core);
        done += 1;
    }
    if now_ms < end_ms {
        let sku = sku.unwrap_or_default();
        let token = format!("run {start_ms} {end_ms} {rate} {done} {quantity} {sku}");
        core.later(channel.name(), TICK_MS, token);
    }
    Some(())
}

fn number(channel: &dyn Channel, id: &str) -> Result<u64, Reply> {
    channel
        .order_number(id)
        .ok_or_else(|| refuse(404, "no such order"))
}

fn told(
    channel: &dyn Channel,
    order: Option<Order>,
    why: Change,
    core: &Core,
) -> Result<Reply, Reply> {
    let order = order.ok_or_else(|| refuse(409, "the order is not there, or cannot change so"))?;
    channel.tell(&order, why, core);
    Ok(Reply::json(
        200,
        &json!({"order": channel.order_id(order.number), "updated_ms": order.updated_ms}),
    ))
}

fn cancel(channel: &dyn Channel, body: &OfOrder, core: &Core) -> Result<Reply, Reply> {
    let number = number(channel, &body.order)?;
    let order = channel.market().lock().cancel(number, core.now_ms());
    told(channel, order, Change::Cancelled, core)
}

fn change(channel: &dyn Channel, body: &OfOrder, core: &Core) -> Result<Reply, Reply> {
    let number = number(channel, &body.order)?;
    let mut state = channel.market().lock();
    let order = state.change(number, body.quantity, core.now_ms());
    drop(state);
    told(channel, order, Change::Updated, core)
}

fn send(channel: &dyn Channel, body: &OfOrder, core: &Core) -> Result<Reply, Reply> {
    let number = number(channel, &body.order)?;
    let order = channel.market().lock().order(number).cloned();
    let why = match body.topic.as_deref() {
        Some("updated") => Change::Updated,
        Some("cancelled") => Change::Cancelled,
        _ => Change::Created,
    };
    told(channel, order, why, core)
}

/// The market's orders, for whoever compares them with what the merchant has.
fn list(channel: &dyn Channel, body: &Page) -> Reply {
    let orders = channel.market().lock();
    let orders = orders.orders_behind(body.behind, body.most.min(page()));
    let next = orders.last().map(|order| order.number);
    let shown: Vec<Value> = orders
        .iter()
        .map(|order| {
            let lines = order.lines.iter();
            let lines: Vec<Value> = lines
                .map(|line| json!({"sku": line.sku, "quantity": line.quantity}))
                .collect();
            json!({"order": channel.order_id(order.number), "lines": lines,
                "paid": order.paid, "cancelled": order.cancelled})
        })
        .collect();
    Reply::json(200, &json!({"orders": shown, "next": next}))
}

fn spoil(channel: &dyn Channel, body: &Refuse) -> Result<Reply, Reply> {
    let mut state = channel.market().lock();
    let item = state.items.get_mut(body.sku.as_str());
    let item = item.ok_or_else(|| refuse(404, "no such product"))?;
    item.bad = body.refuse;
    Ok(Reply::json(
        200,
        &json!({"sku": body.sku, "refuse": item.bad}),
    ))
}
