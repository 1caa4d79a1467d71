-- Views for questions about the business. docs/HISTORY.md explains each.
-- Shares and rates lie between 0 and 1; durations are milliseconds.

-- Each stay of an order in a state and step; left_ms and dwell_ms are empty while it lasts.
CREATE VIEW state_visits AS
SELECT shard, tenant, order_key, state, pipeline_set, pipeline, step, entered_sequence,
       entered_ms, left_ms, left_ms - entered_ms AS dwell_ms
FROM (
    SELECT shard, tenant, order_key, to_state AS state, pipeline_set, pipeline, step,
           sequence AS entered_sequence, time_ms AS entered_ms,
           LEAD(time_ms) OVER (PARTITION BY shard, tenant, order_key ORDER BY sequence) AS left_ms
    FROM (
        SELECT shard, tenant, order_key, sequence, time_ms, to_state, pipeline_set, pipeline,
               step,
               LAG(to_state) OVER (PARTITION BY shard, tenant, order_key ORDER BY sequence)
                   AS before_state,
               LAG(step) OVER (PARTITION BY shard, tenant, order_key ORDER BY sequence)
                   AS before_step
        FROM order_events
        WHERE to_state IS NOT NULL
    ) AS moves
    WHERE before_state IS NULL OR before_state <> to_state
       OR COALESCE(before_step, -1) <> COALESCE(step, -1)
) AS visits;

-- How long orders stay in each step of each pipeline.
CREATE VIEW dwell_by_step AS
SELECT t.name AS tenant, s.pipeline_name, s.step_name, v.state,
       COUNT(*) AS visits,
       CAST(AVG(v.dwell_ms) AS DOUBLE PRECISION) AS average_ms,
       MAX(v.dwell_ms) AS longest_ms
FROM state_visits AS v
LEFT JOIN pipeline_steps AS s
       ON s.shard = v.shard AND s.pipeline_set = v.pipeline_set AND s.pipeline = v.pipeline
      AND s.step = v.step
LEFT JOIN tenants AS t ON t.shard = v.shard AND t.tenant = v.tenant
WHERE v.dwell_ms IS NOT NULL
GROUP BY t.name, s.pipeline_name, s.step_name, v.state;

-- How long orders wait for each payment processor, all attempts and waits of a call included.
CREATE VIEW dwell_by_processor AS
SELECT p.name AS processor, e.kind,
       COUNT(*) AS calls,
       CAST(AVG(e.ended_ms - e.started_ms) AS DOUBLE PRECISION) AS average_ms,
       MAX(e.ended_ms - e.started_ms) AS longest_ms
FROM effects AS e
LEFT JOIN providers AS p ON p.shard = e.shard AND p.provider = e.provider
WHERE e.kind LIKE 'payment_%' AND e.ended_ms IS NOT NULL AND e.started_ms IS NOT NULL
GROUP BY p.name, e.kind;

-- How long parcels are on their way with each carrier.
CREATE VIEW dwell_by_carrier AS
SELECT COALESCE(carrier, 'unknown') AS carrier,
       COUNT(*) AS parcels,
       CAST(AVG(delivered_ms - shipped_ms) AS DOUBLE PRECISION) AS average_ms,
       MAX(delivered_ms - shipped_ms) AS longest_ms
FROM orders
WHERE shipped_ms IS NOT NULL AND delivered_ms IS NOT NULL
GROUP BY COALESCE(carrier, 'unknown');

-- How long orders of each channel take to be confirmed, shipped and ended.
CREATE VIEW dwell_by_channel AS
SELECT t.name AS tenant, o.channel,
       COUNT(*) AS orders,
       CAST(AVG(o.confirmed_ms - o.accepted_ms) AS DOUBLE PRECISION) AS to_confirmed_ms,
       CAST(AVG(o.shipped_ms - o.accepted_ms) AS DOUBLE PRECISION) AS to_shipped_ms,
       CAST(AVG(o.ended_ms - o.accepted_ms) AS DOUBLE PRECISION) AS to_end_ms
FROM orders AS o
LEFT JOIN tenants AS t ON t.shard = o.shard AND t.tenant = o.tenant
GROUP BY t.name, o.channel;

-- From acceptance to captured money, order by order.
CREATE VIEW order_to_cash AS
SELECT o.shard, o.tenant, o.order_key, o.external_id, o.channel, o.currency, o.total, o.captured,
       o.accepted_ms, o.captured_ms, o.captured_ms - o.accepted_ms AS order_to_cash_ms
FROM orders AS o
WHERE o.captured_ms IS NOT NULL;

-- Orders that ended without a person's hand, of all that ended in their process.
CREATE VIEW zero_touch_share AS
SELECT t.name AS tenant, o.channel,
       COUNT(*) AS ended_orders,
       SUM(CASE WHEN o.touched = 0 THEN 1 ELSE 0 END) AS zero_touch_orders,
       CAST(AVG(CASE WHEN o.touched = 0 THEN 1.0 ELSE 0.0 END) AS DOUBLE PRECISION) AS share
FROM orders AS o
LEFT JOIN tenants AS t ON t.shard = o.shard AND t.tenant = o.tenant
WHERE o.pipeline_set IS NOT NULL AND o.ended_ms IS NOT NULL
GROUP BY t.name, o.channel;

-- Orders that came into review or left a dead letter, of all in their process.
CREATE VIEW exception_share AS
SELECT t.name AS tenant, o.channel,
       COUNT(*) AS orders,
       SUM(CASE WHEN o.exception = 1 THEN 1 ELSE 0 END) AS exception_orders,
       CAST(AVG(CASE WHEN o.exception = 1 THEN 1.0 ELSE 0.0 END) AS DOUBLE PRECISION) AS share
FROM orders AS o
LEFT JOIN tenants AS t ON t.shard = o.shard AND t.tenant = o.tenant
WHERE o.pipeline_set IS NOT NULL
GROUP BY t.name, o.channel;

-- Attempts that failed technically, of all that ended; a declined card is an answer, no error.
CREATE VIEW error_rate AS
SELECT p.name AS provider, a.kind,
       COUNT(*) AS attempts,
       SUM(CASE WHEN a.class IN ('retry', 'unknown', 'refused') THEN 1 ELSE 0 END) AS errors,
       CAST(AVG(CASE WHEN a.class IN ('retry', 'unknown', 'refused') THEN 1.0 ELSE 0.0 END)
            AS DOUBLE PRECISION) AS rate
FROM attempts AS a
LEFT JOIN providers AS p ON p.shard = a.shard AND p.provider = a.provider
WHERE a.class IS NOT NULL
GROUP BY p.name, a.kind;

-- Effects that exhausted their attempts, and what became of them.
CREATE VIEW dead_letters AS
SELECT e.shard, e.tenant, e.order_key, e.effect, e.kind, p.name AS provider, e.dead_ms,
       e.dead_class, e.dead_code, e.attempts, e.message, e.redriven_ms,
       CASE WHEN e.outcome = 'done' THEN 'recovered'
            WHEN e.outcome IN ('discarded', 'abandoned', 'failed') THEN 'given_up'
            ELSE 'open' END AS fate,
       CASE WHEN e.outcome = 'done' THEN e.ended_ms END AS recovered_ms
FROM effects AS e
LEFT JOIN providers AS p ON p.shard = e.shard AND p.provider = e.provider
WHERE e.dead_ms IS NOT NULL;

-- How many dead letters came good after all.
CREATE VIEW dead_letter_recovery AS
SELECT kind, dead_class AS cause,
       COUNT(*) AS dead_letters,
       SUM(CASE WHEN fate = 'recovered' THEN 1 ELSE 0 END) AS recovered,
       SUM(CASE WHEN fate = 'given_up' THEN 1 ELSE 0 END) AS given_up,
       SUM(CASE WHEN fate = 'open' THEN 1 ELSE 0 END) AS open,
       CAST(AVG(CASE WHEN fate = 'recovered' THEN 1.0 ELSE 0.0 END) AS DOUBLE PRECISION) AS rate
FROM dead_letters
GROUP BY kind, dead_class;

-- Each time an order waited for a person, and who ended it.
CREATE VIEW reviews AS
SELECT r.shard, r.tenant, r.order_key, r.review_reason AS reason, r.opened_sequence, r.opened_ms,
       r.closed_sequence, r.closed_ms, r.closed_ms - r.opened_ms AS open_for_ms, r.closed_by_event,
       r.next_state, a.name AS decided_by
FROM (
    SELECT shard, tenant, order_key, to_state, review_reason,
           sequence AS opened_sequence, time_ms AS opened_ms,
           LEAD(sequence) OVER (PARTITION BY shard, tenant, order_key ORDER BY sequence)
               AS closed_sequence,
           LEAD(time_ms) OVER (PARTITION BY shard, tenant, order_key ORDER BY sequence)
               AS closed_ms,
           LEAD(event) OVER (PARTITION BY shard, tenant, order_key ORDER BY sequence)
               AS closed_by_event,
           LEAD(to_state) OVER (PARTITION BY shard, tenant, order_key ORDER BY sequence)
               AS next_state,
           LEAD(actor) OVER (PARTITION BY shard, tenant, order_key ORDER BY sequence)
               AS closed_by
    FROM order_events
    WHERE to_state IS NOT NULL
      AND (to_state = 'REVIEW') <> (COALESCE(from_state, '') = 'REVIEW')
) AS r
LEFT JOIN actors AS a ON a.shard = r.shard AND a.actor = r.closed_by
WHERE r.to_state = 'REVIEW';
