SELECT 'carrier' AS kind, COALESCE(o.carrier, 'unknown') AS name, CAST(COUNT(*) AS TEXT) AS volume,
       CAST(CAST(AVG(o.delivered_ms - o.shipped_ms) AS BIGINT) AS TEXT) AS average_ms,
       CAST(MAX(o.delivered_ms - o.shipped_ms) AS TEXT) AS longest_ms
FROM orders AS o
JOIN tenants AS t ON t.shard = o.shard AND t.tenant = o.tenant
WHERE t.name = $1 AND o.shipped_ms IS NOT NULL AND o.delivered_ms IS NOT NULL
GROUP BY COALESCE(o.carrier, 'unknown')
