SELECT CAST(COUNT(*) AS TEXT) AS orders
FROM orders AS o INDEXED BY orders_by_time
WHERE o.accepted_ms >= CAST($2 AS BIGINT) AND o.accepted_ms < CAST($3 AS BIGINT)
  AND o.shard = CAST($4 AS BIGINT)
  AND o.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($4 AS BIGINT) AND t.name = $1)
