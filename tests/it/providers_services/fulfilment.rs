use super::*;
use onhand::types::effect::EffectClass::{Absent, Refused, Retry, Unknown};

#[tokio::test]
async fn an_order_reaches_the_warehouse_once_however_often_its_answer_is_lost() {
    let sandbox = sandbox();
    let shipstation = provider(&sandbox, "shipstation", &[]);
    let order = call(1, EffectKind::WarehouseOrder);
    lose_answer(&sandbox, "shipstation", "create_order");
    assert_eq!(class(&shipstation, &order).await, Unknown);
    let first = done(&shipstation, &again(&order)).await;
    let second = done(&shipstation, &again(&order)).await;
    assert_eq!(first.reference, second.reference);
    let made = sandbox.ledger().of_order(&order.key);
    let new = made.iter().filter(|effect| effect.detail["new"] == true);
    assert_eq!(new.count(), 1, "{made:?}");
}

#[tokio::test]
async fn an_order_is_recalled_until_it_has_left() {
    let sandbox = sandbox();
    let shipstation = provider(&sandbox, "shipstation", &[]);
    let order = call(1, EffectKind::WarehouseOrder);
    let reference = done(&shipstation, &order).await.reference;
    let recall = undo(&order, EffectKind::WarehouseRecall, &reference);
    lose_answer(&sandbox, "shipstation", "create_order");
    assert_eq!(class(&shipstation, &recall).await, Unknown);
    done(&shipstation, &again(&recall)).await;

    let left = call(2, EffectKind::WarehouseOrder);
    let reference = done(&shipstation, &left).await.reference;
    ship(&sandbox, &left.key).await;
    let recall = undo(&left, EffectKind::WarehouseRecall, &reference);
    let outcome = shipstation.call(&recall).await;
    assert_eq!(
        (outcome.class, &*outcome.code),
        (Refused, "already_shipped")
    );
    done(&shipstation, &again(&left)).await;
}

async fn ship(sandbox: &Sandbox, key: &str) {
    let address = sandbox.address();
    let url = format!("http://{address}/_sandbox/shipstation/ship?order={key}");
    let client = reqwest::Client::new();
    let answer = client.post(url).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let sandbox = sandbox();
    let shipstation = provider(&sandbox, "shipstation", &[]);
    answer_status(&sandbox, "shipstation", "create_order", 429);
    let outcome = shipstation.call(&call(1, EffectKind::WarehouseOrder)).await;
    assert_eq!((outcome.class, outcome.counted), (Retry, true));
}

#[tokio::test]
async fn a_label_is_bought_once_however_often_its_answer_is_lost() {
    for (order, operation) in [(1, "rates"), (2, "buy")] {
        let sandbox = sandbox();
        let easypost = provider(&sandbox, "easypost", &[]);
        let label = call(order, EffectKind::Label);
        lose_answer(&sandbox, "easypost", operation);
        assert_eq!(class(&easypost, &label).await, Unknown);
        let outcome = done(&easypost, &again(&label)).await;
        assert!(outcome.reference.starts_with("shp_"), "{outcome:?}");
        assert!(outcome.message.starts_with("tracking=9400"), "{outcome:?}");
        assert!(
            outcome.message.contains("carrier=USPS"),
            "the cheapest: {outcome:?}"
        );
        // A process that was restarted in between remembers nothing.
        let other = provider(&sandbox, "easypost", &[]);
        let same = done(&other, &again(&label)).await;
        assert_eq!(same.reference, outcome.reference);
        assert_eq!(
            sandbox.ledger().count("easypost", "label"),
            1,
            "{operation}"
        );
    }
}

#[tokio::test]
async fn a_label_is_refunded_once_and_one_that_was_never_bought_is_absent() {
    let sandbox = sandbox();
    let easypost = provider(&sandbox, "easypost", &[]);
    let label = call(1, EffectKind::Label);
    let never = undo(&label, EffectKind::LabelCancel, "");
    assert_eq!(class(&easypost, &never).await, Absent);
    let reference = done(&easypost, &label).await.reference;
    let cancel = undo(&label, EffectKind::LabelCancel, &reference);
    lose_answer(&sandbox, "easypost", "refund");
    assert_eq!(class(&easypost, &cancel).await, Unknown);
    done(&easypost, &again(&cancel)).await;
    assert_eq!(sandbox.ledger().count("easypost", "label_void"), 1);
}

#[tokio::test]
async fn kept_rates_stand_in_for_a_provider_that_is_down_and_are_within_one_percent() {
    let sandbox = sandbox();
    let easypost = provider(&sandbox, "easypost", &[]);
    let first = done(&easypost, &call(1, EffectKind::Label)).await;
    let price = first
        .message
        .split("rate=")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let price = price.expect("a price");
    answer_status(&sandbox, "easypost", "rates", 503);
    let down = easypost.call(&call(2, EffectKind::Label)).await;
    assert_eq!(down.class, Retry);
    assert!(
        down.message
            .contains(&format!("last known rate {price} USD")),
        "{down:?}"
    );
    let next = done(&easypost, &call(2, EffectKind::Label)).await;
    assert!(next.message.contains(&format!("rate={price} ")), "{next:?}");
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_do_not_count_against_the_provider() {
    let mut sandbox_options = Options::default();
    for name in ["shipstation.key", "easypost.key"] {
        sandbox_options
            .secrets
            .insert(name.into(), "another".into());
    }
    let sandbox = Sandbox::start(sandbox_options).expect("a sandbox");
    for (kind, effect) in [
        ("shipstation", EffectKind::WarehouseOrder),
        ("easypost", EffectKind::Label),
    ] {
        let outcome = provider(&sandbox, kind, &[]).call(&call(1, effect)).await;
        assert_eq!(
            (outcome.class, outcome.counted),
            (Refused, false),
            "{outcome:?}"
        );
    }
}
