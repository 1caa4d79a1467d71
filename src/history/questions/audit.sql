SELECT CAST(x.time_ms AS TEXT) AS time_ms, CAST(x.sequence AS TEXT) AS sequence,
       a.name AS actor, x.what, x.action, x.subject, x.reason
FROM (
    SELECT * FROM (
        SELECT d.shard, d.sequence, d.time_ms, d.actor, 'order' AS what, d.action,
               d.order_key AS subject, COALESCE(d.reason, '') AS reason
        FROM decisions AS d INDEXED BY decisions_by_time
        WHERE d.shard = CAST($5 AS BIGINT)
          AND d.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($5 AS BIGINT) AND t.name = $1)
          AND d.time_ms >= CAST($4 AS BIGINT) AND d.time_ms <= CAST($2 AS BIGINT)
          AND (d.time_ms < CAST($2 AS BIGINT) OR d.sequence < CAST($3 AS BIGINT))
        ORDER BY d.time_ms DESC, d.sequence DESC
        LIMIT 200
    ) AS of_orders
    UNION ALL
    SELECT * FROM (
        SELECT m.shard, m.sequence, m.time_ms, m.actor, 'stock', m.kind,
               s.name || ' at ' || COALESCE(l.name, '–'),
               CAST(COALESCE(m.quantity, 0) AS TEXT) || ' units'
               || CASE WHEN COALESCE(m.reason, '') = '' THEN '' ELSE ': ' || m.reason END
        FROM stock_movements AS m INDEXED BY stock_movements_by_time
        CROSS JOIN skus AS s
        LEFT JOIN locations AS l ON l.shard = m.shard AND l.location = m.location
        WHERE m.shard = CAST($5 AS BIGINT)
          AND m.time_ms >= CAST($4 AS BIGINT) AND m.time_ms <= CAST($2 AS BIGINT)
          AND (m.time_ms < CAST($2 AS BIGINT) OR m.sequence < CAST($3 AS BIGINT))
          AND s.shard = m.shard AND s.sku = m.sku
          AND s.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($5 AS BIGINT) AND t.name = $1)
        ORDER BY m.time_ms DESC, m.sequence DESC
        LIMIT 200
    ) AS of_stock
    UNION ALL
    SELECT * FROM (
        SELECT b.shard, b.sequence, b.time_ms, b.actor, 'breaker',
               b.from_state || ' to ' || b.to_state, p.name, b.cause
        FROM breaker_changes AS b INDEXED BY breaker_changes_by_hand
        LEFT JOIN providers AS p ON p.shard = b.shard AND p.provider = b.provider
        WHERE b.cause = 'operator'
          AND b.shard = CAST($5 AS BIGINT)
          AND b.time_ms >= CAST($4 AS BIGINT) AND b.time_ms <= CAST($2 AS BIGINT)
          AND (b.time_ms < CAST($2 AS BIGINT) OR b.sequence < CAST($3 AS BIGINT))
        ORDER BY b.time_ms DESC, b.sequence DESC
        LIMIT 200
    ) AS of_breakers
    UNION ALL
    SELECT * FROM (
        SELECT c.shard, c.sequence, c.time_ms, c.actor, 'refused', c.code, c.command_key, ''
        FROM refused_commands AS c INDEXED BY refused_commands_by_time
        WHERE c.shard = CAST($5 AS BIGINT)
          AND c.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($5 AS BIGINT) AND t.name = $1)
          AND c.time_ms >= CAST($4 AS BIGINT) AND c.time_ms <= CAST($2 AS BIGINT)
          AND (c.time_ms < CAST($2 AS BIGINT) OR c.sequence < CAST($3 AS BIGINT))
        ORDER BY c.time_ms DESC, c.sequence DESC
        LIMIT 200
    ) AS of_refusals
    UNION ALL
    SELECT * FROM (
        SELECT e.shard, e.sequence, e.time_ms, e.actor, 'event',
               CASE WHEN e.fate = 'open' THEN 'redrive' ELSE 'discard' END, e.event_id,
               COALESCE(e.note, '')
        FROM channel_events AS e INDEXED BY channel_events_by_hand
        WHERE e.fate IN ('open', 'discarded')
          AND e.shard = CAST($5 AS BIGINT)
          AND e.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($5 AS BIGINT) AND t.name = $1)
          AND e.time_ms >= CAST($4 AS BIGINT) AND e.time_ms <= CAST($2 AS BIGINT)
          AND (e.time_ms < CAST($2 AS BIGINT) OR e.sequence < CAST($3 AS BIGINT))
        ORDER BY e.time_ms DESC, e.sequence DESC
        LIMIT 200
    ) AS of_events
    UNION ALL
    SELECT * FROM (
        SELECT i.shard, i.sequence, i.time_ms, i.actor, 'mapping',
               CASE WHEN i.sku IS NULL THEN 'unmap' ELSE 'map' END,
               'item ' || i.item || ' of channel ' || CAST(i.channel AS TEXT),
               COALESCE('stands for ' || s.name, '')
        FROM item_mappings AS i INDEXED BY item_mappings_by_time
        LEFT JOIN skus AS s ON s.shard = i.shard AND s.sku = i.sku
        WHERE i.shard = CAST($5 AS BIGINT)
          AND i.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($5 AS BIGINT) AND t.name = $1)
          AND i.time_ms >= CAST($4 AS BIGINT) AND i.time_ms <= CAST($2 AS BIGINT)
          AND (i.time_ms < CAST($2 AS BIGINT) OR i.sequence < CAST($3 AS BIGINT))
        ORDER BY i.time_ms DESC, i.sequence DESC
        LIMIT 200
    ) AS of_mappings
    UNION ALL
    SELECT * FROM (
        SELECT v.shard, v.sequence, v.time_ms, v.actor, 'subscriber', 'rewind', v.subscriber,
               'from ' || CAST(v.before_sequence AS TEXT) || ' to ' || CAST(v.after_sequence AS TEXT)
               || CASE WHEN COALESCE(v.reason, '') = '' THEN '' ELSE ': ' || v.reason END
        FROM subscriber_moves AS v INDEXED BY subscriber_moves_by_time
        WHERE v.shard = CAST($5 AS BIGINT)
          AND v.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($5 AS BIGINT) AND t.name = $1)
          AND v.time_ms >= CAST($4 AS BIGINT) AND v.time_ms <= CAST($2 AS BIGINT)
          AND (v.time_ms < CAST($2 AS BIGINT) OR v.sequence < CAST($3 AS BIGINT))
        ORDER BY v.time_ms DESC, v.sequence DESC
        LIMIT 200
    ) AS of_subscribers
) AS x
LEFT JOIN actors AS a ON a.shard = x.shard AND a.actor = x.actor
ORDER BY x.time_ms DESC, x.sequence DESC
LIMIT 200
