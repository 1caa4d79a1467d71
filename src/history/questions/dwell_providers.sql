SELECT 'provider' AS kind, COALESCE(p.name, '–') || ' / ' || e.kind AS name,
       CAST(COUNT(*) * CAST($5 AS BIGINT) AS TEXT) AS volume,
       CAST(CAST(AVG(e.ended_ms - e.started_ms) AS BIGINT) AS TEXT) AS average_ms,
       CAST(MAX(e.ended_ms - e.started_ms) AS TEXT) AS longest_ms
FROM orders AS o INDEXED BY orders_by_time
CROSS JOIN effects AS e
LEFT JOIN providers AS p ON p.shard = e.shard AND p.provider = e.provider
WHERE o.accepted_ms >= CAST($2 AS BIGINT) AND o.accepted_ms < CAST($3 AS BIGINT)
  AND o.shard = CAST($4 AS BIGINT)
  AND o.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($4 AS BIGINT) AND t.name = $1)
  AND (o.accepted_sequence % 2147483647) * (o.accepted_sequence % 2147483647) % 2147483647
      * 1640531527 % 2147483647 % CAST($5 AS BIGINT) = 0
  AND e.shard = o.shard AND e.tenant = o.tenant AND e.order_key = o.order_key
  AND e.ended_ms IS NOT NULL AND e.started_ms IS NOT NULL
GROUP BY p.name, e.kind
