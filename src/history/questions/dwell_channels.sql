SELECT 'channel' AS kind, 'channel ' || CAST(o.channel AS TEXT) || ' to shipment' AS name,
       CAST(COUNT(*) AS TEXT) AS volume,
       CAST(CAST(AVG(o.shipped_ms - o.accepted_ms) AS BIGINT) AS TEXT) AS average_ms,
       CAST(MAX(o.shipped_ms - o.accepted_ms) AS TEXT) AS longest_ms
FROM orders AS o
JOIN tenants AS t ON t.shard = o.shard AND t.tenant = o.tenant
WHERE t.name = $1 AND o.shipped_ms IS NOT NULL
GROUP BY o.channel
