-- Somebody did something on purpose: what the trail of an auditor shows, one row an action.
CREATE TABLE actions (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    tenant BIGINT,
    about TEXT,
    thing TEXT,
    action TEXT,
    outcome TEXT,
    sku BIGINT,
    location BIGINT,
    channel BIGINT,
    campaign BIGINT,
    provider BIGINT,
    before_value TEXT,
    after_value TEXT,
    reason TEXT,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID;

-- What the tables hold already. Definitions, and how campaigns went, come with a rebuild only.
INSERT INTO actions (shard, sequence, time_ms, actor, tenant, about, thing, action, outcome, reason)
SELECT d.shard, d.sequence, d.time_ms, d.actor, d.tenant, 'order', d.order_key, d.action, 'done',
       d.reason
FROM decisions AS d;
INSERT INTO actions (shard, sequence, time_ms, actor, tenant, about, thing, action, outcome,
                     before_value, after_value)
SELECT e.shard, e.sequence, e.time_ms, e.actor, e.tenant, 'order', e.order_key,
       CASE WHEN e.event = 'edited' THEN 'edit' ELSE 'return' END, 'done', e.from_state, e.to_state
FROM order_events AS e
WHERE e.event IN ('edited', 'order_returned') AND e.actor <> 0;
INSERT INTO actions (shard, sequence, time_ms, actor, tenant, about, thing, action, outcome, sku,
                     location, before_value, after_value, reason)
SELECT m.shard, m.sequence, m.time_ms, m.actor, s.tenant, 'stock',
       CAST(m.sku AS TEXT) || '@' || CAST(m.location AS TEXT), m.kind, 'done', m.sku, m.location,
       CASE WHEN m.kind = 'set' THEN CAST(m.on_hand - m.quantity AS TEXT) END,
       CASE WHEN m.kind = 'set' THEN CAST(m.on_hand AS TEXT) END,
       CASE WHEN m.kind <> 'set' THEN CAST(COALESCE(m.quantity, 0) AS TEXT) || ' units' ELSE '' END
       || CASE WHEN COALESCE(m.reason, '') = '' THEN '' ELSE ': ' || m.reason END
FROM stock_movements AS m
JOIN skus AS s ON s.shard = m.shard AND s.sku = m.sku
WHERE m.kind <> 'shortage';
INSERT INTO actions (shard, sequence, time_ms, actor, about, thing, action, outcome, provider,
                     before_value, after_value)
SELECT b.shard, b.sequence, b.time_ms, b.actor, 'breaker', CAST(b.provider AS TEXT),
       CASE WHEN b.to_state = 'isolated' THEN 'isolate' ELSE 'reset' END, 'done', b.provider,
       b.from_state, b.to_state
FROM breaker_changes AS b
WHERE b.cause = 'operator';
INSERT INTO actions (shard, sequence, time_ms, actor, tenant, about, thing, action, outcome)
SELECT c.shard, c.sequence, c.time_ms, c.actor, c.tenant, 'command', c.command_key, 'attempt',
       'refused: ' || c.code
FROM refused_commands AS c;
INSERT INTO actions (shard, sequence, time_ms, actor, tenant, about, thing, action, outcome,
                     channel, after_value, reason)
SELECT e.shard, e.sequence, e.time_ms, e.actor, e.tenant, 'event', e.event_id,
       CASE WHEN e.fate = 'open' THEN 'redrive' ELSE 'discard' END, 'done', e.channel, e.fate,
       e.note
FROM channel_events AS e
WHERE e.fate IN ('open', 'discarded');
INSERT INTO actions (shard, sequence, time_ms, actor, tenant, about, thing, action, outcome, sku,
                     channel, after_value)
SELECT i.shard, i.sequence, i.time_ms, i.actor, i.tenant, 'mapping',
       CAST(i.channel AS TEXT) || '/' || i.item,
       CASE WHEN i.sku IS NULL THEN 'unmap' ELSE 'map' END, 'done', i.sku, i.channel,
       CASE WHEN i.sku IS NULL THEN 'nothing' END
FROM item_mappings AS i;
INSERT INTO actions (shard, sequence, time_ms, actor, tenant, about, thing, action, outcome,
                     before_value, after_value, reason)
SELECT v.shard, v.sequence, v.time_ms, v.actor, v.tenant, 'subscriber', v.subscriber, 'rewind',
       'done', CAST(v.before_sequence AS TEXT), CAST(v.after_sequence AS TEXT), v.reason
FROM subscriber_moves AS v;
INSERT INTO actions (shard, sequence, time_ms, actor, tenant, about, thing, action, outcome, sku,
                     channel, after_value)
SELECT r.shard, r.sequence, r.time_ms, r.actor, r.tenant, 'rule',
       CAST(r.channel AS TEXT) || '/' || COALESCE(CAST(r.sku AS TEXT), '*'),
       CASE WHEN r.rule IS NULL THEN 'remove' ELSE 'set' END, 'done', r.sku, r.channel,
       CASE WHEN r.rule IS NULL THEN 'no rule'
            WHEN r.rule = 'pool' THEN 'the pool less ' || CAST(r.units AS TEXT) || ' units'
            WHEN r.rule = 'cap' THEN 'at most ' || CAST(r.units AS TEXT) || ' units'
            WHEN r.then_pool = 1 THEN 'a quota of ' || CAST(r.units AS TEXT) || ' units, then the pool'
            ELSE 'a quota of ' || CAST(r.units AS TEXT) || ' units' END
FROM channel_rules AS r;

-- Who did what lately is found without a scan, newest first without a sort; what shops' systems do
-- with holds stands apart, for there is much of it. What a thing was before is found by its name.
CREATE INDEX actions_by_time ON actions (shard, tenant, time_ms, sequence) WHERE about <> 'hold';
CREATE INDEX actions_of_holds ON actions (shard, tenant, time_ms, sequence) WHERE about = 'hold';
CREATE INDEX actions_of_thing ON actions (shard, about, thing, sequence) WHERE about <> 'hold';
DROP INDEX subscriber_moves_by_time;
DROP INDEX decisions_by_time;
DROP INDEX stock_movements_by_time;
DROP INDEX refused_commands_by_time;
DROP INDEX item_mappings_by_time;
DROP INDEX breaker_changes_by_hand;
DROP INDEX channel_events_by_hand;

-- An order keeps its milestones when it is changed: how long they took counts from its first
-- version. Empty for orders of before this version, which have one moment only.
ALTER TABLE orders ADD COLUMN first_accepted_ms BIGINT;

DROP VIEW order_to_cash;
-- From acceptance to captured money, order by order.
CREATE VIEW order_to_cash AS
SELECT o.shard, o.tenant, o.order_key, o.external_id, o.channel, o.currency, o.total, o.captured,
       o.accepted_ms, o.captured_ms,
       o.captured_ms - COALESCE(o.first_accepted_ms, o.accepted_ms) AS order_to_cash_ms
FROM orders AS o
WHERE o.captured_ms IS NOT NULL;

DROP VIEW dwell_by_channel;
-- How long orders of each channel take to be confirmed, shipped and ended.
CREATE VIEW dwell_by_channel AS
SELECT t.name AS tenant, o.channel,
       COUNT(*) AS orders,
       CAST(AVG(o.confirmed_ms - COALESCE(o.first_accepted_ms, o.accepted_ms))
            AS DOUBLE PRECISION) AS to_confirmed_ms,
       CAST(AVG(o.shipped_ms - COALESCE(o.first_accepted_ms, o.accepted_ms))
            AS DOUBLE PRECISION) AS to_shipped_ms,
       CAST(AVG(o.ended_ms - COALESCE(o.first_accepted_ms, o.accepted_ms))
            AS DOUBLE PRECISION) AS to_end_ms
FROM orders AS o
LEFT JOIN tenants AS t ON t.shard = o.shard AND t.tenant = o.tenant
GROUP BY t.name, o.channel;
