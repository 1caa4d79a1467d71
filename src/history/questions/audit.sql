SELECT CAST(x.time_ms AS TEXT) AS time_ms, CAST(x.sequence AS TEXT) AS sequence,
       a.name AS actor, x.what, x.action, x.subject, x.reason
FROM (
    SELECT d.shard, d.tenant, d.sequence, d.time_ms, d.actor, 'order' AS what, d.action,
           d.order_key AS subject, COALESCE(d.reason, '') AS reason
    FROM decisions AS d
    UNION ALL
    SELECT m.shard, COALESCE(m.tenant, s.tenant), m.sequence, m.time_ms, m.actor, 'stock', m.kind,
           s.name || ' at ' || COALESCE(l.name, '–'),
           CAST(COALESCE(m.quantity, 0) AS TEXT) || ' units'
           || CASE WHEN COALESCE(m.reason, '') = '' THEN '' ELSE ': ' || m.reason END
    FROM stock_movements AS m
    LEFT JOIN skus AS s ON s.shard = m.shard AND s.sku = m.sku
    LEFT JOIN locations AS l ON l.shard = m.shard AND l.location = m.location
    UNION ALL
    SELECT b.shard, t.tenant, b.sequence, b.time_ms, b.actor, 'breaker',
           b.from_state || ' to ' || b.to_state, p.name, b.cause
    FROM breaker_changes AS b
    JOIN tenants AS t ON t.shard = b.shard
    LEFT JOIN providers AS p ON p.shard = b.shard AND p.provider = b.provider
    WHERE b.cause = 'operator'
    UNION ALL
    SELECT c.shard, c.tenant, c.sequence, c.time_ms, c.actor, 'refused', c.code, c.command_key, ''
    FROM refused_commands AS c
    UNION ALL
    SELECT e.shard, e.tenant, e.sequence, e.time_ms, e.actor, 'event',
           CASE WHEN e.fate = 'open' THEN 'redrive' ELSE 'discard' END, e.event_id,
           COALESCE(e.note, '')
    FROM channel_events AS e
    WHERE e.fate IN ('open', 'discarded')
    UNION ALL
    SELECT i.shard, i.tenant, i.sequence, i.time_ms, i.actor, 'mapping',
           CASE WHEN i.sku IS NULL THEN 'unmap' ELSE 'map' END,
           'item ' || i.item || ' of channel ' || CAST(i.channel AS TEXT),
           COALESCE('stands for ' || s.name, '')
    FROM item_mappings AS i
    LEFT JOIN skus AS s ON s.shard = i.shard AND s.sku = i.sku
) AS x
JOIN tenants AS t ON t.shard = x.shard AND t.tenant = x.tenant
LEFT JOIN actors AS a ON a.shard = x.shard AND a.actor = x.actor
WHERE t.name = $1 AND (x.time_ms < CAST($2 AS BIGINT)
                       OR (x.time_ms = CAST($2 AS BIGINT) AND x.sequence < CAST($3 AS BIGINT)))
ORDER BY x.time_ms DESC, x.sequence DESC
LIMIT 200
