SELECT o.order_key, CAST(o.shard AS TEXT) || '-' || CAST(o.accepted_sequence AS TEXT) AS number,
       o.state, o.external_id, o.customer, CAST(o.channel AS TEXT) AS channel,
       CAST(o.version AS TEXT) AS version, CAST(o.total AS TEXT) AS total,
       CAST(o.currency AS TEXT) AS currency, CAST(o.units AS TEXT) AS units,
       CAST(o.score AS TEXT) AS score, o.carrier, o.country,
       CAST(o.captured AS TEXT) AS captured, CAST(o.refunded AS TEXT) AS refunded,
       CAST(o.accepted_ms AS TEXT) AS accepted_ms, CAST(o.ended_ms AS TEXT) AS ended_ms
FROM tenants AS t CROSS JOIN orders AS o
WHERE t.name = $1 AND o.shard = t.shard AND o.tenant = t.tenant AND o.order_key = $2
