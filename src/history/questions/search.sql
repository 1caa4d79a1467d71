SELECT order_key, CAST(o.shard AS TEXT) || '-' || CAST(o.accepted_sequence AS TEXT) AS number,
       o.state, o.review_reason, o.external_id, o.customer, CAST(o.channel AS TEXT) AS channel,
       CAST(o.total AS TEXT) AS total, CAST(o.currency AS TEXT) AS currency,
       CAST(o.accepted_ms AS TEXT) AS accepted_ms
FROM orders AS o
JOIN tenants AS t ON t.shard = o.shard AND t.tenant = o.tenant
WHERE t.name = $1 AND (o.order_key = $3 OR o.external_id = $2 OR o.customer = $2)
ORDER BY o.accepted_ms DESC
LIMIT 50
