SELECT 'step' AS kind,
       COALESCE(s.pipeline_name || ' / ', '') || COALESCE(s.step_name, '–') || ' / ' || v.state AS name,
       CAST(COUNT(*) * CAST($5 AS BIGINT) AS TEXT) AS volume,
       CAST(CAST(AVG(v.left_ms - v.time_ms) AS BIGINT) AS TEXT) AS average_ms,
       CAST(MAX(v.left_ms - v.time_ms) AS TEXT) AS longest_ms
FROM (
    SELECT m.shard, m.state, m.pipeline_set, m.pipeline, m.step, m.time_ms,
           LEAD(m.time_ms) OVER (PARTITION BY m.shard, m.order_key ORDER BY m.sequence) AS left_ms
    FROM (
        SELECT e.shard, e.order_key, e.sequence, e.time_ms, e.to_state AS state, e.pipeline_set,
               e.pipeline, e.step,
               LAG(e.to_state) OVER (PARTITION BY e.shard, e.order_key ORDER BY e.sequence)
                   AS before_state,
               LAG(e.step) OVER (PARTITION BY e.shard, e.order_key ORDER BY e.sequence)
                   AS before_step
        FROM orders AS o INDEXED BY orders_by_time
        CROSS JOIN order_events AS e INDEXED BY order_events_of_order
        WHERE o.accepted_ms >= CAST($2 AS BIGINT) AND o.accepted_ms < CAST($3 AS BIGINT)
          AND o.shard = CAST($4 AS BIGINT)
          AND o.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($4 AS BIGINT) AND t.name = $1)
          AND (o.accepted_sequence % 2147483647) * (o.accepted_sequence % 2147483647) % 2147483647
              * 1640531527 % 2147483647 % CAST($5 AS BIGINT) = 0
          AND e.shard = o.shard AND e.tenant = o.tenant
          AND e.order_key = o.order_key COLLATE BINARY
          AND e.to_state IS NOT NULL
    ) AS m
    WHERE m.before_state IS NULL OR m.before_state <> m.state
       OR COALESCE(m.before_step, -1) <> COALESCE(m.step, -1)
) AS v
LEFT JOIN pipeline_steps AS s
       ON s.shard = v.shard AND s.pipeline_set = v.pipeline_set AND s.pipeline = v.pipeline
      AND s.step = v.step
WHERE v.left_ms IS NOT NULL
GROUP BY s.pipeline_name, s.step_name, v.state
