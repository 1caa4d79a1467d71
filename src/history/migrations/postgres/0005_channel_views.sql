-- Views about sales channels. docs/HISTORY.md explains each.

-- What became of each event that a channel sent; settled_ms is empty while nothing has.
CREATE VIEW channel_event_fates AS
SELECT shard, tenant, channel, event_id, received_ms, fate,
       CASE WHEN fate IN ('received', 'open') THEN NULL ELSE time_ms END AS settled_ms
FROM (
    SELECT shard, tenant, channel, event_id, fate, time_ms,
           MIN(time_ms) OVER (PARTITION BY shard, event_id) AS received_ms,
           ROW_NUMBER() OVER (PARTITION BY shard, event_id ORDER BY sequence DESC) AS place
    FROM channel_events
) AS words
WHERE place = 1;

-- Quantities that were other than the one shown before, and how old the newest fact that they
-- take into account was when the channel acknowledged them.
CREATE VIEW published_lag AS
SELECT shard, sequence, tenant, channel, sku, quantity, time_ms,
       time_ms - CASE WHEN order_ms > stock_ms THEN order_ms ELSE stock_ms END AS lag_ms
FROM (
    SELECT p.shard, p.sequence, p.tenant, p.channel, p.sku, p.quantity, p.time_ms,
           p.before_quantity,
           COALESCE((SELECT e.time_ms FROM order_events AS e
                     WHERE e.shard = p.shard AND e.sequence <= p.as_of_sequence
                     ORDER BY e.sequence DESC LIMIT 1), 0) AS order_ms,
           COALESCE((SELECT s.time_ms FROM stock_movements AS s
                     WHERE s.shard = p.shard AND s.sequence <= p.as_of_sequence
                     ORDER BY s.sequence DESC LIMIT 1), 0) AS stock_ms
    FROM (
        SELECT shard, sequence, tenant, channel, sku, quantity, time_ms, as_of_sequence,
               LAG(quantity) OVER (PARTITION BY shard, tenant, channel, sku
                                   ORDER BY sequence, line) AS before_quantity
        FROM stock_published
    ) AS p
) AS facts
WHERE before_quantity <> quantity AND (order_ms > 0 OR stock_ms > 0);

-- Each channel in figures. Every event counts once, under what became of it last.
CREATE VIEW channel_summary AS
SELECT t.name AS tenant, k.channel, c.name, c.kind,
       COALESCE(e.events, 0) AS events, COALESCE(o.orders, 0) AS orders,
       COALESCE(e.applied, 0) AS applied, COALESCE(e.duplicates, 0) AS duplicates,
       COALESCE(e.stale, 0) AS stale, COALESCE(e.ignored, 0) AS ignored,
       COALESCE(e.parked, 0) AS parked, COALESCE(e.unmapped, 0) AS unmapped,
       COALESCE(e.quarantined, 0) AS quarantined, COALESCE(e.discarded, 0) AS discarded,
       COALESCE(e.waiting, 0) AS waiting, e.settled_p50_ms, e.settled_p99_ms,
       COALESCE(p.published, 0) AS published, l.lag_p50_ms, l.lag_p99_ms
FROM (
    SELECT shard, tenant, channel FROM channels
    UNION SELECT shard, tenant, channel FROM orders WHERE channel IS NOT NULL
    UNION SELECT shard, tenant, channel FROM channel_events
    UNION SELECT shard, tenant, channel FROM stock_published
) AS k
LEFT JOIN tenants AS t ON t.shard = k.shard AND t.tenant = k.tenant
LEFT JOIN channels AS c
       ON c.shard = k.shard AND c.tenant = k.tenant AND c.channel = k.channel
LEFT JOIN (
    SELECT shard, tenant, channel, COUNT(*) AS orders FROM orders
    GROUP BY shard, tenant, channel
) AS o ON o.shard = k.shard AND o.tenant = k.tenant AND o.channel = k.channel
LEFT JOIN (
    SELECT shard, tenant, channel, COUNT(*) AS events,
           COUNT(CASE WHEN fate = 'applied' THEN 1 END) AS applied,
           COUNT(CASE WHEN fate = 'duplicate' THEN 1 END) AS duplicates,
           COUNT(CASE WHEN fate = 'stale' THEN 1 END) AS stale,
           COUNT(CASE WHEN fate = 'ignored' THEN 1 END) AS ignored,
           COUNT(CASE WHEN fate = 'parked' THEN 1 END) AS parked,
           COUNT(CASE WHEN fate = 'unmapped' THEN 1 END) AS unmapped,
           COUNT(CASE WHEN fate = 'quarantined' THEN 1 END) AS quarantined,
           COUNT(CASE WHEN fate = 'discarded' THEN 1 END) AS discarded,
           COUNT(CASE WHEN settled_ms IS NULL THEN 1 END) AS waiting,
           MIN(CASE WHEN place * 100 >= total * 50 THEN took_ms END) AS settled_p50_ms,
           MIN(CASE WHEN place * 100 >= total * 99 THEN took_ms END) AS settled_p99_ms
    FROM (
        SELECT shard, tenant, channel, fate, settled_ms, settled_ms - received_ms AS took_ms,
               CASE WHEN settled_ms IS NOT NULL THEN
                   ROW_NUMBER() OVER (PARTITION BY shard, tenant, channel, settled_ms IS NULL
                                      ORDER BY settled_ms - received_ms) END AS place,
               COUNT(settled_ms) OVER (PARTITION BY shard, tenant, channel) AS total
        FROM channel_event_fates
    ) AS ranked
    GROUP BY shard, tenant, channel
) AS e ON e.shard = k.shard AND e.tenant = k.tenant AND e.channel = k.channel
LEFT JOIN (
    SELECT shard, tenant, channel, COUNT(*) AS published FROM stock_published
    GROUP BY shard, tenant, channel
) AS p ON p.shard = k.shard AND p.tenant = k.tenant AND p.channel = k.channel
LEFT JOIN (
    SELECT shard, tenant, channel,
           MIN(CASE WHEN place * 100 >= total * 50 THEN lag_ms END) AS lag_p50_ms,
           MIN(CASE WHEN place * 100 >= total * 99 THEN lag_ms END) AS lag_p99_ms
    FROM (
        SELECT shard, tenant, channel, lag_ms,
               ROW_NUMBER() OVER (PARTITION BY shard, tenant, channel ORDER BY lag_ms) AS place,
               COUNT(*) OVER (PARTITION BY shard, tenant, channel) AS total
        FROM published_lag
    ) AS ranked
    GROUP BY shard, tenant, channel
) AS l ON l.shard = k.shard AND l.tenant = k.tenant AND l.channel = k.channel;
