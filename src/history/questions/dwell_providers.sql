SELECT 'provider' AS kind, COALESCE(p.name, '–') || ' / ' || e.kind AS name,
       CAST(COUNT(*) AS TEXT) AS volume,
       CAST(CAST(AVG(e.ended_ms - e.started_ms) AS BIGINT) AS TEXT) AS average_ms,
       CAST(MAX(e.ended_ms - e.started_ms) AS TEXT) AS longest_ms
FROM effects AS e
JOIN tenants AS t ON t.shard = e.shard AND t.tenant = e.tenant
LEFT JOIN providers AS p ON p.shard = e.shard AND p.provider = e.provider
WHERE t.name = $1 AND e.ended_ms IS NOT NULL AND e.started_ms IS NOT NULL
GROUP BY p.name, e.kind
