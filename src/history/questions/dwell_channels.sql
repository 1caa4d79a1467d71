SELECT 'channel' AS kind, 'channel ' || CAST(o.channel AS TEXT) || ' to shipment' AS name,
       CAST(COUNT(*) AS TEXT) AS volume,
       CAST(CAST(AVG(o.shipped_ms - COALESCE(o.first_accepted_ms, o.accepted_ms)) AS BIGINT) AS TEXT) AS average_ms,
       CAST(MAX(o.shipped_ms - COALESCE(o.first_accepted_ms, o.accepted_ms)) AS TEXT) AS longest_ms
FROM orders AS o INDEXED BY orders_by_time
WHERE o.accepted_ms >= CAST($2 AS BIGINT) AND o.accepted_ms < CAST($3 AS BIGINT)
  AND o.shard = CAST($4 AS BIGINT)
  AND o.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($4 AS BIGINT) AND t.name = $1)
  AND o.shipped_ms IS NOT NULL
GROUP BY o.channel
