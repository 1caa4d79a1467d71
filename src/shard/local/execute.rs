//! Executing local requests: names to handles, then the engine.

use super::super::Shard;
use super::super::details;
use super::detail::{LocalLine, LocalShort, OrderDetail};
use super::request::{
    Level, Levels, LocalAnswer, LocalQuery, LocalRequest, NamedLine, PlaceRequest,
};
use crate::engine::command::{Command, Context, OrderRequest};
use crate::engine::process::command::{ListFilter, ProcessCommand};
use crate::engine::record::{OrderLine, RequestedLine};
use crate::journal::storage::Storage;
use crate::types::details::DETAILS_ARCHIVE_VERSION;
use crate::types::{
    ActorId, CommandKey, Disposition, LocationId, OrderKey, ResultCode, SkuId, TenantId,
};

/// Stands for a tenant that this shard does not have; no tenant gets so high a number.
const NO_TENANT: TenantId = TenantId(u16::MAX);

impl<S: Storage> Shard<S> {
    /// Executes one request within the running turn.
    #[allow(clippy::too_many_lines)] // one arm a kind of request
    pub(super) fn execute_local(
        &mut self,
        tenant: &str,
        actor: &str,
        request: LocalRequest,
    ) -> LocalAnswer {
        let context = self.local_context(tenant, actor, &request);
        let context = match context {
            Ok(context) => context,
            Err(code) => return LocalAnswer::Refused(code),
        };
        match request {
            LocalRequest::Result(result) => {
                self.process(context, &ProcessCommand::Result(result.borrow()))
            }
            LocalRequest::Report(report) => {
                self.process(context, &ProcessCommand::Report(report.borrow()))
            }
            LocalRequest::Operate {
                key,
                order,
                action,
                effect,
                amount,
                reason,
            } => {
                let command = ProcessCommand::Operate {
                    key,
                    order,
                    action,
                    effect,
                    amount,
                    reason: &reason,
                };
                self.process(context, &command)
            }
            LocalRequest::Breaker { provider, isolate } => {
                let provider = &provider;
                self.process(context, &ProcessCommand::Breaker { provider, isolate })
            }
            LocalRequest::DefinePipelines { version, archive } => {
                let archive = &archive;
                self.process(
                    context,
                    &ProcessCommand::DefinePipelines { version, archive },
                )
            }
            LocalRequest::Place(place) => self.place_local(context, None, &place),
            LocalRequest::Edit {
                key,
                meaning,
                place,
            } => self.place_local(context, Some((key, meaning)), &place),
            LocalRequest::Return {
                key,
                order,
                disposition,
                lines,
            } => self.return_local(context, (key, order), disposition, &lines),
            LocalRequest::CancelAhead { key, order, reason } => {
                let command = ProcessCommand::CancelAhead {
                    key,
                    order,
                    reason: &reason,
                };
                self.process(context, &command)
            }
            LocalRequest::Hold { key, order, change } => {
                self.hold_local(context, (key, order), &change)
            }
            LocalRequest::Stock(request) => self.stock_local(context, &request),
            LocalRequest::Define(definition) => self.define_local(context, &definition),
            LocalRequest::IfUnchanged {
                order,
                stamps,
                request,
            } => {
                let found = self.order_detail(context, order);
                match found {
                    Some(found) if !stamps.contains(&found.stamp()) => LocalAnswer::Changed,
                    // An order that is not there is told by the request itself.
                    _ => self.execute_local(tenant, actor, *request),
                }
            }
            LocalRequest::Channel(request) => self.channel_local(context, request),
            LocalRequest::Event(_)
            | LocalRequest::EventSettled(_)
            | LocalRequest::MapSku { .. } => self.event_local(context, &request),
            LocalRequest::MoveSubscriber(moved) => self.subscriber_local(context, &moved),
            LocalRequest::Query(query) | LocalRequest::Peek(query) => {
                self.answer_local(context, query)
            }
        }
    }

    fn process(&mut self, context: Context, command: &ProcessCommand<'_>) -> LocalAnswer {
        self.tally.commands += 1;
        let records = &mut self.records;
        LocalAnswer::Command(self.engine.execute_process(context, command, records))
    }

    /// An order; under a command's key and meaning where it is an edit.
    fn place_local(
        &mut self,
        context: Context,
        edit: Option<(CommandKey, u64)>,
        place: &PlaceRequest,
    ) -> LocalAnswer {
        let lines = match self.lines_of(context, &place.lines) {
            Ok(lines) => lines,
            Err(code) => return LocalAnswer::Refused(code),
        };
        let details = match &place.details {
            None => Vec::new(),
            Some(details) => match details::archive_checked(details, lines.len()) {
                Ok(archived) => archived.bytes.to_vec(),
                Err(code) => return LocalAnswer::Refused(code),
            },
        };
        let request = OrderRequest {
            key: place.key,
            version: place.version,
            customer: place.customer,
            channel: place.channel,
            ttl_ms: place.ttl_ms,
            mode: place.mode,
            policy: place.policy,
            currency: place.currency,
            total: place.total,
            destination: None,
            lines: &lines,
            details: &details,
            details_version: if details.is_empty() {
                0
            } else {
                DETAILS_ARCHIVE_VERSION
            },
        };
        if let Some(command) = edit {
            self.tally.commands += 1;
            let records = &mut self.records;
            return LocalAnswer::Command(self.engine.edit(context, command, &request, records));
        }
        self.notes.clear();
        let outcome = self
            .engine
            .reserve(context, &request, &mut self.records, &mut self.notes);
        self.notes.clear();
        LocalAnswer::Placed(outcome)
    }

    fn return_local(
        &mut self,
        context: Context,
        (key, order): (CommandKey, OrderKey),
        disposition: Disposition,
        lines: &[NamedLine],
    ) -> LocalAnswer {
        let lines: Vec<OrderLine> = match self.lines_of(context, lines) {
            Ok(lines) => lines,
            Err(code) => return LocalAnswer::Refused(code),
        };
        let command = Command::Return {
            key,
            order,
            disposition,
            lines: &lines,
        };
        self.command_local(context, &command)
    }

    /// Handles of lines by name.
    pub(super) fn lines_of(
        &mut self,
        context: Context,
        lines: &[NamedLine],
    ) -> Result<Vec<RequestedLine>, ResultCode> {
        let mut found = Vec::with_capacity(lines.len());
        for line in lines {
            let sku = Command::ResolveSku { name: &line.sku };
            let location = match &line.location {
                None => LocationId::ANY,
                Some(name) => self.location_named(context, name)?,
            };
            found.push(RequestedLine {
                sku: SkuId(self.resolve(context, &sku)?),
                quantity: line.quantity,
                location,
            });
        }
        Ok(found)
    }

    pub(super) fn resolve(
        &mut self,
        context: Context,
        command: &Command<'_>,
    ) -> Result<u32, ResultCode> {
        let outcome = self.engine.execute(context, command, &mut self.records);
        match outcome.code {
            ResultCode::Ok => Ok(outcome.handle),
            code => Err(code),
        }
    }

    /// Who asks, and for which tenant. A question defines neither: it is asked as nobody, and of a
    /// tenant that is not there yet it finds nothing.
    fn local_context(
        &mut self,
        tenant: &str,
        actor: &str,
        request: &LocalRequest,
    ) -> Result<Context, ResultCode> {
        let is_for_all = tenant.is_empty() && request.is_about_no_tenant();
        if matches!(request, LocalRequest::Query(_) | LocalRequest::Peek(_)) {
            let tenant = if is_for_all {
                TenantId(0)
            } else {
                self.engine.find_tenant(tenant).unwrap_or(NO_TENANT)
            };
            return Ok(Context {
                tenant,
                actor: ActorId::SYSTEM,
            });
        }
        let actor = self.engine.define_actor(actor, &mut self.records)?;
        let tenant = if is_for_all {
            TenantId(0)
        } else {
            self.engine
                .define_tenant(tenant, actor, &mut self.records)?
        };
        Ok(Context { tenant, actor })
    }

    fn answer_local(&mut self, context: Context, query: LocalQuery) -> LocalAnswer {
        let engine = &self.engine;
        match query {
            LocalQuery::ChannelStock { channel, skus } => {
                self.channel_stock(context, channel, skus)
            }
            LocalQuery::ChannelChanges { channel, since } => {
                self.channel_changes(context, channel, since)
            }
            LocalQuery::Channels => self.channels_view(context),
            LocalQuery::Order(key) => LocalAnswer::Order(self.order_detail(context, key)),
            LocalQuery::List(filter) => LocalAnswer::List(engine.list_processes(&ListFilter {
                tenant: context.tenant,
                ..filter
            })),
            LocalQuery::Breakers => LocalAnswer::Breakers(engine.breakers()),
            LocalQuery::Pipelines => {
                let set = engine.pipelines();
                LocalAnswer::Pipelines(set.map(|(number, set)| (number, Box::new(set.clone()))))
            }
            LocalQuery::Levels { skus } => LocalAnswer::Levels(self.levels(&skus)),
            LocalQuery::Names { skus, locations } => {
                let owned = |name: Option<&str>| name.unwrap_or_default().to_owned();
                LocalAnswer::Names {
                    skus: skus
                        .iter()
                        .map(|sku| owned(engine.sku_name(*sku)))
                        .collect(),
                    locations: locations
                        .iter()
                        .map(|location| owned(engine.location_name(*location)))
                        .collect(),
                }
            }
            LocalQuery::TenantName(tenant) => {
                let name = engine.tenant_name(tenant).unwrap_or_default();
                LocalAnswer::TenantName(name.to_owned())
            }
            LocalQuery::OwnNames {
                skus,
                locations,
                actors,
                orders,
            } => self.own_names(context, (&skus, &locations, &actors), &orders),
            LocalQuery::Stock(page) => LocalAnswer::Stock(self.show_stock(context, &page)),
            LocalQuery::Locations { from, limit } => self.show_locations(context, from, limit),
            LocalQuery::Status => LocalAnswer::Status(Box::new(self.show_status())),
            LocalQuery::Events(_)
            | LocalQuery::Event(_)
            | LocalQuery::ChannelOrder { .. }
            | LocalQuery::Mappings { .. } => self.show_events(context, &query),
        }
    }

    fn levels(&self, skus: &[(TenantId, SkuId)]) -> Levels {
        let engine = &self.engine;
        let level = |&(tenant, sku): &(TenantId, SkuId)| {
            let mut level = Level {
                tenant,
                sku,
                name: engine.sku_name(sku)?.to_owned(),
                ..Level::default()
            };
            for cell in engine.stock(tenant, sku)? {
                let quantities = cell.quantities;
                level.available += u64::from(quantities.available());
                level.reserved += u64::from(quantities.reserved);
                level.committed += u64::from(quantities.committed);
                level.short += quantities.short();
            }
            Some(level)
        };
        let (accepted, open_holds) = engine.accepted_and_held();
        Levels {
            skus: skus.iter().filter_map(level).collect(),
            accepted,
            open_holds,
            sequence: self.records.next_sequence(),
        }
    }

    fn order_detail(&self, context: Context, key: OrderKey) -> Option<Box<OrderDetail>> {
        let (mut lines, mut shorts) = (Vec::new(), Vec::new());
        let engine = &self.engine;
        let order = engine.order(context.tenant, key, &mut lines, &mut shorts)?;
        let owned = |name: Option<&str>| name.unwrap_or_default().to_owned();
        let lines = lines.into_iter().map(|line| LocalLine {
            sku: owned(engine.sku_name(line.sku)),
            location: owned(engine.location_name(line.location)),
            line,
        });
        let shorts = shorts.into_iter().map(|short| LocalShort {
            sku: owned(engine.sku_name(short.sku)),
            left: short.left,
        });
        Some(Box::new(OrderDetail {
            order,
            lines: lines.collect(),
            process: engine.process(context.tenant, key),
            shorts: shorts.collect(),
        }))
    }
}
