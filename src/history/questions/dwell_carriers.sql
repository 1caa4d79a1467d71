WITH picked AS MATERIALIZED (
    SELECT s.shard, s.tenant, s.order_key
    FROM orders AS s INDEXED BY orders_by_time
    WHERE s.accepted_ms >= CAST($2 AS BIGINT) AND s.accepted_ms < CAST($3 AS BIGINT)
      AND s.shard = CAST($4 AS BIGINT)
      AND s.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($4 AS BIGINT) AND t.name = $1)
      AND (s.accepted_sequence % 2147483647) * (s.accepted_sequence % 2147483647) % 2147483647
          * 1640531527 % 2147483647 % CAST($5 AS BIGINT) = 0
)
SELECT 'carrier' AS kind, COALESCE(o.carrier, 'unknown') AS name, CAST(COUNT(*) * CAST($5 AS BIGINT) AS TEXT) AS volume,
       CAST(CAST(AVG(o.delivered_ms - o.shipped_ms) AS BIGINT) AS TEXT) AS average_ms,
       CAST(MAX(o.delivered_ms - o.shipped_ms) AS TEXT) AS longest_ms
FROM picked AS v
CROSS JOIN orders AS o
WHERE o.shipped_ms IS NOT NULL AND o.delivered_ms IS NOT NULL
  AND o.shard = v.shard AND o.tenant = v.tenant AND o.order_key = v.order_key
GROUP BY COALESCE(o.carrier, 'unknown')
