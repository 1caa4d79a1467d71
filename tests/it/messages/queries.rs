//! The exchanges that ask: queries, subscriptions, lists.

use super::*;

pub(super) fn queries(out: &mut Exchanges) {
    let from_start = |sku| StockQueryItem { sku, from: BERLIN };
    out.request(
        Opcode::QueryStock,
        &[from_start(SHIRT), from_start(SkuId(9))],
    );
    let mut bytes = Vec::new();
    let mut writer = StockWriter::begin(&mut bytes, 2);
    writer.entry(&mut bytes, ResultCode::Ok, SHIRT, 41);
    let full = Cell {
        location: BERLIN,
        values: cell(),
    };
    assert!(writer.cell(&mut bytes, &full));
    writer.entry(&mut bytes, ResultCode::UnknownSku, SkuId(9), 41);
    writer.finish(&mut bytes, out.request_id);
    out.push_reply("query_stock", bytes);

    out.request(
        Opcode::QueryOrder,
        &[key(), order_key(ChannelId(1), b"1003")],
    );
    let held = OrderSummary {
        key: key(),
        code: ResultCode::Ok,
        state: Some(OrderState::Held),
        resolution: Resolution::Open,
        flags: 0,
        version: 1,
        channel: ChannelId(1),
        customer: 7_001,
        sequence: 39,
        expires_at_ms: NOW_MS + 900_000,
    };
    let line = OrderLine {
        sku: SHIRT,
        location: BERLIN,
        ordered: 2,
        reserved: 2,
        ..OrderLine::default()
    };
    let refused = OrderSummary {
        key: order_key(ChannelId(1), b"1003"),
        code: ResultCode::InsufficientStock,
        state: Some(OrderState::Rejected),
        channel: ChannelId(0),
        customer: 0,
        sequence: 0,
        expires_at_ms: 0,
        ..held
    };
    let short = OrderShortLine {
        sku: MUG,
        left: 3,
        line: 1,
    };
    let mut bytes = Vec::new();
    let mut writer = OrderWriter::begin(&mut bytes, 2);
    assert!(writer.entry(&mut bytes, &held, &[line], &[]));
    assert!(writer.entry(&mut bytes, &refused, &[], &[short]));
    writer.finish(&mut bytes, out.request_id);
    out.push_reply("query_order", bytes);
}

pub(super) fn lists_and_events(out: &mut Exchanges) {
    out.request(Opcode::SubscribeStock, &[SHIRT]);
    out.reply(Opcode::SubscribeStock, &[handle_without_sequence(0)]);
    let event = StockEvent {
        sku: SHIRT,
        sequence: 43,
        available: 82,
        on_hand: 100,
        reserved: 2,
        committed: 5,
    };
    let bytes = reply_frame(opcode::STOCK_EVENT, out.request_id, &[event]);
    out.push_reply("stock_event", bytes);

    out.request(Opcode::ListSkus, &[ListPage { from: 0, limit: 2 }]);
    let mut bytes = Vec::new();
    let mut page = ListWriter::begin(&mut bytes);
    let sku = |sku, on_sale, name| SkuEntry { sku, on_sale, name };
    assert!(page.entry(&mut bytes, &sku(SHIRT, true, "shirt-m")));
    assert!(page.entry(&mut bytes, &sku(MUG, false, "mug")));
    page.finish(&mut bytes, Opcode::ListSkus, out.request_id, 2);
    out.push_reply("list_skus", bytes);

    out.request(
        Opcode::ListLocations,
        &[ListPage {
            from: 1,
            limit: 100,
        }],
    );
    let mut bytes = Vec::new();
    let mut page = ListWriter::begin(&mut bytes);
    let lyon = LocationEntry {
        location: LYON,
        priority: 2,
        x: 4_835,
        y: 45_764,
        name: "lyon",
    };
    assert!(page.entry(&mut bytes, &lyon));
    page.finish(&mut bytes, Opcode::ListLocations, out.request_id, LIST_END);
    out.push_reply("list_locations", bytes);
}
