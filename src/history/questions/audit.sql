SELECT CAST(x.time_ms AS TEXT) AS time_ms, CAST(x.sequence AS TEXT) AS sequence,
       a.name AS actor, x.about AS what, x.action,
       CASE x.about
            WHEN 'stock' THEN COALESCE(s.name, '–') || ' at ' || COALESCE(l.name, '–')
            WHEN 'rule' THEN 'channel ' || CAST(x.channel AS TEXT) || ', '
                             || CASE WHEN x.sku IS NULL THEN 'SKUs without a rule'
                                     ELSE COALESCE(s.name, '–') END
            WHEN 'mapping' THEN 'channel ' || CAST(x.channel AS TEXT) || ', item '
                                || substr(x.thing, length(CAST(x.channel AS TEXT)) + 2)
            WHEN 'campaign' THEN 'channel ' || CAST(x.channel AS TEXT) || ', '
                                 || COALESCE(g.name, x.thing)
            WHEN 'channel' THEN 'channel ' || x.thing
            WHEN 'sku' THEN COALESCE(s.name, x.thing)
            WHEN 'location' THEN COALESCE(l.name, x.thing)
            WHEN 'breaker' THEN COALESCE(p.name, x.thing)
            ELSE x.thing END AS subject,
       COALESCE(x.before_value,
                CASE WHEN x.about IN ('order', 'hold') THEN
                         (SELECT e.to_state FROM order_events AS e INDEXED BY order_events_of_order
                          WHERE e.shard = x.shard AND e.tenant = x.tenant AND e.order_key = x.thing
                            AND e.sequence < x.sequence AND e.to_state IS NOT NULL
                          ORDER BY e.sequence DESC LIMIT 1)
                     WHEN x.about IN ('rule', 'mapping', 'campaign', 'channel', 'sku', 'location',
                                      'pipelines') THEN
                         (SELECT COALESCE(b.after_value, n.name)
                          FROM actions AS b INDEXED BY actions_of_thing
                          LEFT JOIN skus AS n ON n.shard = b.shard AND n.sku = b.sku
                          WHERE b.about <> 'hold' AND b.shard = x.shard AND b.about = x.about
                            AND b.thing = x.thing AND b.sequence < x.sequence
                            AND (b.tenant = x.tenant OR x.tenant IS NULL)
                          ORDER BY b.sequence DESC LIMIT 1) END) AS before_value,
       COALESCE(x.after_value,
                CASE WHEN x.about IN ('order', 'hold') THEN
                         (SELECT e.to_state FROM order_events AS e INDEXED BY order_events_of_order
                          WHERE e.shard = x.shard AND e.tenant = x.tenant AND e.order_key = x.thing
                            AND (e.sequence < x.sequence
                                 OR e.time_ms = x.time_ms AND e.actor = x.actor)
                            AND e.to_state IS NOT NULL
                          ORDER BY e.sequence DESC LIMIT 1)
                     WHEN x.about = 'mapping' THEN s.name END) AS after_value,
       x.outcome, COALESCE(x.reason, '') AS reason
FROM (
    SELECT * FROM (
        SELECT m.* FROM actions AS m INDEXED BY actions_by_time
        WHERE m.about <> 'hold' AND $6 <> 'hold' AND ($6 = '' OR m.about = $6)
          AND m.shard = CAST($5 AS BIGINT)
          AND m.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($5 AS BIGINT) AND t.name = $1)
          AND m.time_ms >= CAST($4 AS BIGINT) AND m.time_ms <= CAST($2 AS BIGINT)
          AND (m.time_ms < CAST($2 AS BIGINT) OR m.sequence < CAST($3 AS BIGINT))
          AND ($7 = '' OR m.actor = (SELECT w.actor FROM actors AS w WHERE w.shard = CAST($5 AS BIGINT) AND w.name = $7))
          AND ($8 = '' OR m.thing = $8)
        ORDER BY m.time_ms DESC, m.sequence DESC
        LIMIT 200
    ) AS of_tenant
    UNION ALL
    SELECT * FROM (
        SELECT m.* FROM actions AS m INDEXED BY actions_by_time
        WHERE m.about <> 'hold' AND $6 <> 'hold' AND ($6 = '' OR m.about = $6)
          AND m.shard = CAST($5 AS BIGINT) AND m.tenant IS NULL
          AND m.time_ms >= CAST($4 AS BIGINT) AND m.time_ms <= CAST($2 AS BIGINT)
          AND (m.time_ms < CAST($2 AS BIGINT) OR m.sequence < CAST($3 AS BIGINT))
          AND ($7 = '' OR m.actor = (SELECT w.actor FROM actors AS w WHERE w.shard = CAST($5 AS BIGINT) AND w.name = $7))
          AND ($8 = '' OR m.thing = $8)
        ORDER BY m.time_ms DESC, m.sequence DESC
        LIMIT 200
    ) AS of_all
    UNION ALL
    SELECT * FROM (
        SELECT m.* FROM actions AS m INDEXED BY actions_of_holds
        WHERE m.about = 'hold' AND ($6 = 'hold' OR $8 <> '')
          AND m.shard = CAST($5 AS BIGINT)
          AND m.tenant = (SELECT t.tenant FROM tenants AS t WHERE t.shard = CAST($5 AS BIGINT) AND t.name = $1)
          AND m.time_ms >= CAST($4 AS BIGINT) AND m.time_ms <= CAST($2 AS BIGINT)
          AND (m.time_ms < CAST($2 AS BIGINT) OR m.sequence < CAST($3 AS BIGINT))
          AND ($7 = '' OR m.actor = (SELECT w.actor FROM actors AS w WHERE w.shard = CAST($5 AS BIGINT) AND w.name = $7))
          AND ($8 = '' OR m.thing = $8)
        ORDER BY m.time_ms DESC, m.sequence DESC
        LIMIT 200
    ) AS of_holds
) AS x
LEFT JOIN actors AS a ON a.shard = x.shard AND a.actor = x.actor
LEFT JOIN skus AS s ON s.shard = x.shard AND s.sku = x.sku
LEFT JOIN locations AS l ON l.shard = x.shard AND l.location = x.location
LEFT JOIN providers AS p ON p.shard = x.shard AND p.provider = x.provider
LEFT JOIN campaigns AS g ON g.shard = x.shard AND g.campaign = x.campaign
ORDER BY x.time_ms DESC, x.sequence DESC
LIMIT 200
