//! The trail of an auditor: each action in the journal with who, when, what, from what to what.

use super::postgres::Server;
use super::records::{accepted, lines_of, moved, of_move};
use super::rig::{BERLIN, CLERK, LAMP, Rig, STRIPE, TENANT};
use super::{read_all, runtime, sqlite, story};
use onhand::engine::record::{
    BreakerChanged, CellRef, ChannelEventRecord, ChannelRecord, ChannelRef, OrderAccepted,
    ProcessRecord, Record, SkuMapped, StockChange, SubscriberMoved, accepted_flags,
};
use onhand::history::{HistoryTarget, Question, Questions, clear};
use onhand::types::channel_stock::ChannelRule;
use onhand::types::pipeline::BackorderQueue;
use onhand::types::process::{BreakerCause, BreakerState, ProcessEvent};
use onhand::types::{ActorId, ChannelId, CommandKey, OrderState, ResultCode, SkuId};

const BOSS: ActorId = ActorId(2);
const CHANNEL: ChannelId = ChannelId(4);

impl Rig {
    /// What a second person does, behind a day of a channel.
    fn boss(&mut self) {
        self.channel_day(1);
        self.wait(1_000);
        let head = |key: u128| ChannelRef {
            key: CommandKey(key),
            fingerprint: 1,
            tenant: TENANT,
            channel: CHANNEL,
        };
        let rule = |key, rule| {
            Record::Channel(ChannelRecord::RuleSet {
                head: head(key),
                sku: Some(LAMP),
                anew: false,
                rule,
            })
        };
        let mapped = |sku: u32| {
            Record::ChannelEvent(ChannelEventRecord::Mapped(SkuMapped {
                tenant: TENANT,
                channel: CHANNEL,
                sku: SkuId(sku),
                item: "item/9",
                write_back: "",
            }))
        };
        let boss = Record::ActorDefined {
            actor: BOSS,
            name: "boss",
        };
        self.write(ActorId::SYSTEM, &[boss]);
        let cap = Some(ChannelRule::Cap { units: 50 });
        self.write(
            BOSS,
            &[
                rule(901, cap),
                rule(902, None),
                mapped(0),
                mapped(u32::MAX),
                Record::SkuChanged {
                    sku: LAMP,
                    on_sale: true,
                },
                Record::SkuQueueSet {
                    sku: LAMP,
                    queue: BackorderQueue::Strict,
                },
                Record::SkuQueueSet {
                    sku: LAMP,
                    queue: BackorderQueue::Skip,
                },
                Record::Stock(StockChange::Set {
                    key: CommandKey(903),
                    fingerprint: 1,
                    cell: CellRef {
                        sku: LAMP,
                        location: BERLIN,
                    },
                    before: 7,
                    on_hand: 5,
                }),
                Record::Process(ProcessRecord::Breaker(BreakerChanged {
                    provider: STRIPE,
                    from: BreakerState::Closed,
                    to: BreakerState::Isolated,
                    cause: BreakerCause::Operator,
                    generation: 1,
                    failures: 0,
                    open_for_ms: 0,
                    until_ms: 0,
                })),
                Record::CommandRefused {
                    tenant: TENANT,
                    key: CommandKey(0xabc),
                    fingerprint: 1,
                    code: ResultCode::Stale,
                    of_order: false,
                },
                Record::Subscriber(SubscriberMoved {
                    tenant: TENANT,
                    before: 40,
                    after: 2,
                    name: "crm",
                    reason: "again",
                }),
            ],
        );
        self.edit_of_boss();
    }

    /// The next version of the order that the story placed, and of one that is refused.
    fn edit_of_boss(&mut self) {
        self.wait(10);
        let lines = lines_of(1);
        let second = OrderAccepted {
            version: 2,
            ..accepted(
                300,
                accepted_flags::PLACED | accepted_flags::REPLACES,
                &lines,
                &[],
            )
        };
        let payment = OrderState::Payment;
        let first = accepted(300, accepted_flags::PLACED, &lines, &[]);
        let placed = moved(300, ProcessEvent::Placed, None, payment);
        self.write(CLERK, &[Record::OrderAccepted(first), of_move(&placed)]);
        self.wait(10);
        let edited = moved(
            300,
            ProcessEvent::Edited,
            Some(payment),
            OrderState::FraudCheck,
        );
        self.write(BOSS, &[Record::OrderAccepted(second), of_move(&edited)]);
        self.wait(10);
        let mut refused = moved(
            300,
            ProcessEvent::EditRefused,
            Some(OrderState::FraudCheck),
            OrderState::Review,
        );
        refused.note = "the change was refused";
        self.write(BOSS, &[of_move(&refused)]);
    }
}

/// Asks for the trail; each line as `who|about|what|which|before|after|outcome|why`, oldest first.
async fn trail(target: &HistoryTarget, about: &str, actor: &str, thing: &str) -> Vec<String> {
    let questions = Questions::new(target.clone());
    let end = i64::MAX.to_string();
    let given = ["acme", end.as_str(), "0", "0", "0", about, actor, thing];
    let answered = questions.ask(Question::Audit, &given).await.unwrap();
    let names = [
        "actor",
        "what",
        "action",
        "subject",
        "before_value",
        "after_value",
        "outcome",
    ];
    let place = |name: &str| answered.columns.iter().position(|it| it == name).unwrap();
    let cells = |row: &Vec<Option<String>>| {
        let cell = |name: &str| row[place(name)].clone().unwrap_or("-".to_owned());
        let mut cells = names.map(cell).to_vec();
        cells.push(cell("reason"));
        assert!(cell("time_ms").parse::<u64>().is_ok());
        cells.join("|")
    };
    let lines = answered.rows.iter().rev().map(cells);
    lines.collect()
}

async fn check(target: &HistoryTarget) {
    let order = format!("{:032x}", 300);
    let boss = trail(target, "", "boss", "").await;
    assert_eq!(
        boss,
        [
            "boss|rule|set|channel 4, LAMP|a quota of 6 units|at most 50 units|done|",
            "boss|rule|remove|channel 4, LAMP|at most 50 units|no rule|done|",
            "boss|mapping|map|channel 4, item item/9|-|LAMP|done|",
            "boss|mapping|unmap|channel 4, item item/9|LAMP|nothing|done|",
            "boss|sku|change|LAMP|off sale|on sale|done|",
            "boss|sku|queue|LAMP|-|strict|done|",
            "boss|sku|queue|LAMP|strict|skip|done|",
            "boss|stock|set|LAMP at BER|7|5|done|",
            "boss|breaker|isolate|stripe|closed|isolated|done|",
            "boss|command|attempt|00000000000000000000000000000abc|-|-|refused: STALE|",
            "boss|subscriber|rewind|crm|40|2|done|again",
            &format!("boss|order|edit|{order}|PAYMENT|FRAUD_CHECK|done|version 2"),
            &format!("boss|order|edit|{order}|FRAUD_CHECK|REVIEW|refused|the change was refused"),
        ]
    );
    let campaigns = trail(target, "campaign", "", "").await;
    let planned = campaigns[0].split_once("from 20").unwrap().0;
    assert_eq!(
        planned,
        "clerk|campaign|plan|channel 4, Friday|-|planned|done|8 wanted of 1 SKUs, "
    );
    assert_eq!(
        campaigns[1..],
        [
            "-|campaign|open|channel 4, Friday|planned|running|done|6 given",
            "-|campaign|close|channel 4, Friday|running|ended|done|by window: 6 given, 4 sold, \
             2 back in the pool",
        ]
    );
    let all = trail(target, "", "", "").await;
    for line in [
        "-|tenant|define|acme|-|-|done|",
        "-|sku|define|LAMP|-|on sale|done|",
        "-|sku|change|LAMP|on sale|off sale|done|",
        "-|location|define|BER|-|at -3, 4 with priority 1|done|",
        "-|pipelines|define|pipelines|-|set 1|done|standard",
        "-|stock|received|LAMP at BER|-|-|done|1000000 units",
        "clerk|channel|define|channel 4|-|eu (shopify)|done|",
        "clerk|rule|set|channel 4, LAMP|-|a quota of 6 units|done|",
        "clerk|rule|remove|channel 4, SKUs without a rule|-|no rule|done|",
    ] {
        assert!(all.iter().any(|it| it == line), "{line}: {all:#?}");
    }
    let held = format!("{:032x}", 100);
    for line in [
        format!("clerk|order|ship|{held}|CONFIRMED|CONFIRMED|done|1 units"),
        format!("clerk|order|return|{held}|CONFIRMED|CONFIRMED|done|1 units, damaged"),
    ] {
        assert!(all.contains(&line), "{line}: {all:#?}");
    }
    assert!(!all.iter().any(|it| it.contains("|hold|")), "{all:#?}");
    let confirmed = format!("clerk|hold|confirm|{held}|HELD|CONFIRMED|done|1 units");
    let holds = trail(target, "hold", "", "").await;
    assert!(holds.contains(&confirmed), "{holds:#?}");
    let of_one = trail(target, "", "", &held).await;
    let shape: Vec<&str> = of_one
        .iter()
        .map(|it| it.split('|').nth(2).unwrap())
        .collect();
    assert_eq!(shape, ["confirm", "ship", "return"]);
    assert!(trail(target, "", "nobody", "").await.is_empty());
}

#[test]
fn every_action_has_who_when_before_after_and_outcome_also_after_a_rebuild() {
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    let target = sqlite(data.path());
    // Some of it is there already when the reader starts anew.
    runtime().block_on(read_all(&target, &[&rig]));
    rig.boss();
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
        check(&target).await;
    });
    clear(&target).unwrap();
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
        check(&target).await;
    });
}

#[test]
fn postgresql_tells_the_same_trail() {
    let Some(server) = Server::start() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    rig.boss();
    runtime().block_on(async {
        let target = server.database("trail").await;
        read_all(&target, &[&rig]).await;
        check(&target).await;
    });
}

#[test]
fn nobody_sees_what_is_done_to_the_things_of_another_tenant() {
    let data = tempfile::tempdir().unwrap();
    let mut rig = story(data.path(), 0);
    rig.boss();
    let target = sqlite(data.path());
    let other = Record::TenantDefined {
        tenant: onhand::types::TenantId(1),
        name: "globex",
    };
    rig.write(ActorId::SYSTEM, &[other]);
    runtime().block_on(async {
        read_all(&target, &[&rig]).await;
        let questions = Questions::new(target.clone());
        let end = i64::MAX.to_string();
        for about in ["", "hold"] {
            let given = ["globex", end.as_str(), "0", "0", "0", about, "", ""];
            let told = questions.ask(Question::Audit, &given).await.unwrap();
            // An answer without rows names no columns.
            let what = told.columns.iter().position(|it| it == "what");
            for row in &told.rows {
                // Pipelines and breakers are everybody's.
                let of_all = ["pipelines", "breaker", "tenant"];
                let named = row[what.unwrap()].as_deref().unwrap_or_default();
                assert!(of_all.contains(&named), "{row:?}");
            }
            assert_eq!(told.rows.len(), if about.is_empty() { 3 } else { 0 });
        }
    });
}
