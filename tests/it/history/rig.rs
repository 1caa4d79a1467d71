//! A journal with everything that the history projects, and a look into either database.

use super::records::{accepted, ended, lines_of, moved, of_end, of_move, started};
use onhand::engine::record::{
    Blob, BreakerChanged, CellRef, Lines, OperatorDecided, OrderMoved, OrderRef, OrderRejected,
    PipelinesDefined, ProcessImage, ProcessRecord, ProviderReported, Record, Shorts, StockChange,
    accepted_flags, process_flags,
};
use onhand::history::HistorySource;
use onhand::journal::{
    JournalOptions, MaintenanceProgress, MappedStorage, Opened, OsEntropy, SyncProgress, open,
};
use onhand::types::effect::{EffectClass, EffectKind, EffectNext, ProviderId};
use onhand::types::pipeline::{PIPELINES_ARCHIVE_VERSION, Pipeline, PipelineSet, Step, StepKind};
use onhand::types::process::{
    BreakerCause, BreakerState, OperatorAction, ProcessEvent, ReportFate, ReportKind, ReviewReason,
};
use onhand::types::record::RecordBuffer;
use onhand::types::{
    ActorId, ChannelId, CommandKey, Disposition, LocationId, OrderDetails, OrderKey, OrderState,
    ResultCode, SkuId, TenantId,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub const TENANT: TenantId = TenantId(0);
pub const CLERK: ActorId = ActorId(1);
pub const START_MS: u64 = 1_700_000_000_000;
pub const LAMP: SkuId = SkuId(0);
pub const BERLIN: LocationId = LocationId(0);
pub const STRIPE: ProviderId = ProviderId(0);
const SLACK: ProviderId = ProviderId(1);

/// A payment token and an address that must, and must not, reach the database.
pub const TOKEN: &str = "tok_canary_5f1c";
pub const EMAIL: &str = "ada@example.org";

/// One shard's journal and its writer.
pub struct Rig {
    pub directory: PathBuf,
    shard: u16,
    storage: Arc<MappedStorage>,
    opened: Opened<MappedStorage>,
    pub now_ms: u64,
    commands: u128,
}

impl Rig {
    pub fn new(data: &Path, shard: u16) -> Self {
        let directory = data.join(format!("shard-{shard:04}"));
        let storage = Arc::new(MappedStorage::create(&directory).unwrap());
        let options = JournalOptions {
            shard,
            segment_bytes: 64 << 10,
            ..JournalOptions::default()
        };
        let entropy = Box::new(OsEntropy);
        let started = START_MS;
        let opened = open(Arc::clone(&storage), options, started, entropy, &mut |_| {
            Ok(())
        });
        let opened = opened.unwrap();
        Self {
            directory,
            shard,
            now_ms: opened.appender.last_time_ms().max(START_MS),
            storage,
            opened,
            commands: 0,
        }
    }

    /// Writes one batch and makes it durable.
    pub fn write(&mut self, actor: ActorId, records: &[Record<'_>]) {
        let mut buffer = RecordBuffer::default();
        self.opened.appender.begin(&mut buffer);
        for record in records {
            record.push(&mut buffer, actor);
        }
        self.opened.appender.append(self.now_ms, &buffer).unwrap();
        assert_ne!(self.opened.syncer.step(), SyncProgress::Failed);
        while self.opened.maintenance.step().unwrap() != MaintenanceProgress::Idle {}
    }

    pub fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    pub fn next_sequence(&self) -> u64 {
        self.opened.appender.handover().acknowledged()
    }

    pub fn source(&self) -> HistorySource<MappedStorage> {
        HistorySource {
            shard: self.shard,
            storage: Arc::clone(&self.storage),
            handover: Arc::clone(self.opened.appender.handover()),
        }
    }

    /// A command about an order.
    pub fn of(&mut self, order: u128) -> OrderRef {
        self.commands += 1;
        OrderRef {
            order: OrderKey(order),
            key: CommandKey(self.commands),
            fingerprint: 7,
            tenant: TENANT,
        }
    }

    /// Who, what, where, and the pipelines.
    pub fn definitions(&mut self) {
        let set = PipelineSet {
            providers: vec!["stripe".to_owned(), "slack".to_owned()],
            pipelines: vec![Pipeline {
                name: "standard".to_owned(),
                steps: vec![
                    Step {
                        name: "risk".to_owned(),
                        kind: StepKind::Fraud,
                        ..Step::default()
                    },
                    Step {
                        name: "pay".to_owned(),
                        kind: StepKind::Payment,
                        ..Step::default()
                    },
                ],
                ..Pipeline::default()
            }],
            ..PipelineSet::default()
        };
        let archive = set.archive();
        self.commands += 1;
        let received = StockChange::Received {
            key: CommandKey(self.commands),
            fingerprint: 1,
            cell: CellRef {
                sku: LAMP,
                location: BERLIN,
            },
            quantity: 1_000_000,
        };
        self.write(
            ActorId::SYSTEM,
            &[
                Record::TenantDefined {
                    tenant: TENANT,
                    name: "acme",
                },
                Record::ActorDefined {
                    actor: CLERK,
                    name: "clerk",
                },
                Record::SkuDefined {
                    sku: LAMP,
                    tenant: TENANT,
                    on_sale: true,
                    name: "LAMP",
                },
                Record::SkuChanged {
                    sku: LAMP,
                    on_sale: false,
                },
                Record::LocationDefined {
                    location: BERLIN,
                    tenant: TENANT,
                    x: -3,
                    y: 4,
                    priority: 1,
                    name: "BER",
                },
                Record::Process(ProcessRecord::Pipelines(PipelinesDefined {
                    set: 1,
                    archive_version: PIPELINES_ARCHIVE_VERSION,
                    archive: Blob(&archive),
                })),
                Record::Stock(received),
            ],
        );
    }

    /// A hold that is confirmed in part, shipped and returned; and a refused order.
    pub fn hold(&mut self, order: u128) {
        let lines = lines_of(2);
        let one = lines_of(1);
        let accepted = accepted(order, 0, &lines, &[]);
        self.write(CLERK, &[Record::OrderAccepted(accepted)]);
        self.wait(10);
        let (confirm, ship, back) = (self.of(order), self.of(order), self.of(order));
        let line = Lines::from_bytes(&one);
        self.write(
            CLERK,
            &[
                Record::OrderConfirmed {
                    order: confirm,
                    lines: line,
                },
                Record::OrderShipped {
                    order: ship,
                    lines: line,
                },
            ],
        );
        self.wait(10);
        let refused = OrderRejected {
            key: OrderKey(order + 1),
            fingerprint: 3,
            customer: u64::MAX,
            tenant: TENANT,
            channel: ChannelId(4),
            version: 1,
            reason: ResultCode::UnknownSku,
            shorts: Shorts::default(),
        };
        self.write(
            CLERK,
            &[
                Record::OrderReturned {
                    order: back,
                    disposition: Disposition::Damaged,
                    lines: line,
                },
                Record::OrderRejected(refused),
            ],
        );
    }

    /// A placed order through review to its end, with a failed attempt and a dead letter that an
    /// operator brings back.
    pub fn placed(&mut self, order: u128) {
        let details = OrderDetails {
            external_id: format!("ext-{order}"),
            contact_name: "Ada".to_owned(),
            email: EMAIL.to_owned(),
            shipping_address: vec!["1 Way".to_owned(), "Town".to_owned()],
            country: "DE".to_owned(),
            payment_token: TOKEN.to_owned(),
            unit_prices: vec![500],
            ..OrderDetails::default()
        };
        let archive = rkyv::to_bytes::<rkyv::rancor::Error>(&details).unwrap();
        let lines = lines_of(1);
        let flags = accepted_flags::PLACED | accepted_flags::DETAILS;
        let accepted = accepted(order, flags, &lines, &archive);
        let placed = moved(order, ProcessEvent::Placed, None, OrderState::FraudCheck);
        self.write(CLERK, &[Record::OrderAccepted(accepted), of_move(&placed)]);
        self.wait(100);
        let mut review = moved(
            order,
            ProcessEvent::ReviewOpened,
            Some(OrderState::FraudCheck),
            OrderState::Review,
        );
        review.image.review = ReviewReason::Fraud;
        self.write(ActorId::SYSTEM, &[of_move(&review)]);
        self.wait(1_000);
        let decided = OperatorDecided {
            order: self.of(order),
            action: OperatorAction::Approve,
            effect: 0,
            amount: 0,
            reason: "known customer",
        };
        let mut approved = moved(
            order,
            ProcessEvent::ReviewApproved,
            Some(OrderState::Review),
            OrderState::Payment,
        );
        approved.image.step = 1;
        approved.image.flags = process_flags::TOUCHED;
        self.write(
            CLERK,
            &[
                Record::Process(ProcessRecord::Decided(decided)),
                of_move(&approved),
                started(order, 1, EffectKind::PaymentAuthorise, STRIPE, 1),
            ],
        );
        self.payment(order);
        self.dead_letter(order);
        self.wait(5_000);
        let mut shipped = moved(
            order,
            ProcessEvent::Shipped,
            Some(OrderState::Confirmed),
            OrderState::Shipped,
        );
        shipped.note = "UPS 1Z999";
        let mut delivered = moved(
            order,
            ProcessEvent::Delivered,
            Some(OrderState::Shipped),
            OrderState::Delivered,
        );
        let mut done = delivered;
        (done.event, done.from) = (ProcessEvent::Completed, Some(OrderState::Delivered));
        done.to = OrderState::Completed;
        delivered.note = "left at the door";
        self.write(ActorId::SYSTEM, &[of_move(&shipped)]);
        self.wait(60_000);
        self.write(ActorId::SYSTEM, &[of_move(&delivered), of_move(&done)]);
    }

    fn payment(&mut self, order: u128) {
        self.wait(200);
        let failed = ended(order, 1, EffectKind::PaymentAuthorise, STRIPE, 1);
        let breaker = BreakerChanged {
            provider: STRIPE,
            from: BreakerState::Closed,
            to: BreakerState::Open,
            cause: BreakerCause::Failures,
            generation: 1,
            failures: 5,
            open_for_ms: 30_000,
            until_ms: self.now_ms + 30_000,
        };
        self.write(
            ActorId::SYSTEM,
            &[
                of_end(&failed),
                Record::Process(ProcessRecord::Breaker(breaker)),
            ],
        );
        self.wait(2_000);
        self.write(
            ActorId::SYSTEM,
            &[started(order, 1, EffectKind::PaymentAuthorise, STRIPE, 2)],
        );
        self.wait(300);
        let mut paid = ended(order, 1, EffectKind::PaymentAuthorise, STRIPE, 2);
        (paid.class, paid.next, paid.status) = (EffectClass::Done, EffectNext::Done, 200);
        (paid.amount, paid.reference, paid.code) = (500, "pi_1", "");
        let mut confirmed = moved(
            order,
            ProcessEvent::Confirmed,
            Some(OrderState::Payment),
            OrderState::Confirmed,
        );
        confirmed.image.flags = process_flags::TOUCHED;
        let captured = OrderMoved {
            event: ProcessEvent::PaymentCaptured,
            from: Some(OrderState::Confirmed),
            image: ProcessImage {
                captured: 500,
                ..confirmed.image
            },
            ..confirmed
        };
        self.write(
            ActorId::SYSTEM,
            &[of_end(&paid), of_move(&confirmed), of_move(&captured)],
        );
    }

    fn dead_letter(&mut self, order: u128) {
        self.write(
            ActorId::SYSTEM,
            &[started(order, 2, EffectKind::Notify, SLACK, 1)],
        );
        self.wait(10);
        let mut dead = ended(order, 2, EffectKind::Notify, SLACK, 1);
        dead.next = EffectNext::Dead;
        let reported = ProviderReported {
            event: 9 + order,
            provider: STRIPE,
            report: ReportKind::PaymentCaptured,
            fate: ReportFate::Applied,
            order: OrderKey(order),
            tenant: TENANT,
            amount: 500,
            reference: "pi_1",
            text: "",
        };
        self.write(
            ActorId::SYSTEM,
            &[
                of_end(&dead),
                Record::Process(ProcessRecord::Reported(reported)),
            ],
        );
        self.wait(10);
        let redrive = OperatorDecided {
            order: self.of(order),
            action: OperatorAction::Redrive,
            effect: 2,
            amount: 0,
            reason: "",
        };
        self.write(
            CLERK,
            &[
                Record::Process(ProcessRecord::Decided(redrive)),
                started(order, 2, EffectKind::Notify, SLACK, 2),
            ],
        );
        self.wait(10);
        let mut good = ended(order, 2, EffectKind::Notify, SLACK, 2);
        (good.class, good.next) = (EffectClass::Done, EffectNext::Done);
        self.write(ActorId::SYSTEM, &[of_end(&good)]);
    }
}
