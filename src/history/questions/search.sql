SELECT x.order_key, x.number, x.state, x.review_reason, x.external_id, x.customer,
       CAST(x.channel AS TEXT) AS channel, CAST(x.total AS TEXT) AS total,
       CAST(x.currency AS TEXT) AS currency, CAST(x.at_ms AS TEXT) AS accepted_ms
FROM (
    SELECT o.order_key, CAST(o.shard AS TEXT) || '-' || CAST(o.accepted_sequence AS TEXT) AS number,
           o.state, o.review_reason, o.external_id, o.customer, o.channel, o.total, o.currency,
           o.accepted_ms AS at_ms
    FROM (
        SELECT a.shard, a.tenant, a.order_key
        FROM tenants AS t CROSS JOIN orders AS a
        WHERE t.name = $1 AND a.shard = t.shard AND a.tenant = t.tenant AND a.order_key = $3
        UNION
        SELECT a.shard, a.tenant, a.order_key
        FROM tenants AS t CROSS JOIN orders AS a
        WHERE t.name = $1 AND a.shard = t.shard AND a.tenant = t.tenant AND a.external_id = $2
        UNION
        SELECT a.shard, a.tenant, a.order_key
        FROM tenants AS t CROSS JOIN orders AS a
        WHERE t.name = $1 AND a.shard = t.shard AND a.tenant = t.tenant AND a.customer = $2
        UNION
        SELECT a.shard, a.tenant, a.order_key
        FROM tenants AS t CROSS JOIN personal_data AS a
        WHERE t.name = $1 AND a.shard = t.shard AND a.tenant = t.tenant AND a.email IN ($2, $3)
    ) AS f
    CROSS JOIN orders AS o
    WHERE o.shard = f.shard AND o.tenant = f.tenant AND o.order_key = f.order_key
    UNION ALL
    SELECT r.order_key, CAST(NULL AS TEXT), 'REJECTED', r.reason, CAST(NULL AS TEXT), r.customer,
           r.channel, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), r.time_ms
    FROM tenants AS t CROSS JOIN rejections AS r INDEXED BY rejections_of_order
    WHERE t.name = $1 AND r.shard = t.shard AND r.tenant = t.tenant AND r.order_key = $3
    UNION ALL
    SELECT r.order_key, CAST(NULL AS TEXT), 'REJECTED', r.reason, CAST(NULL AS TEXT), r.customer,
           r.channel, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), r.time_ms
    FROM tenants AS t CROSS JOIN rejections AS r INDEXED BY rejections_of_customer
    WHERE t.name = $1 AND r.shard = t.shard AND r.tenant = t.tenant AND r.customer = $2
) AS x
ORDER BY x.at_ms DESC
LIMIT 50
