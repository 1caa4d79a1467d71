SELECT CAST(x.sequence AS TEXT) AS sequence, CAST(x.time_ms AS TEXT) AS time_ms, x.what,
       x.event, a.name AS actor, x.before_state, x.after_state, p.name AS provider, x.detail
FROM (
    SELECT e.shard, e.tenant, e.order_key, e.sequence, e.time_ms, 'event' AS what, e.event,
           e.actor, e.from_state AS before_state, e.to_state AS after_state,
           CAST(NULL AS BIGINT) AS provider,
           CASE WHEN COALESCE(e.review_reason, 'none') = 'none' THEN COALESCE(e.note, '')
                ELSE e.review_reason || CASE WHEN COALESCE(e.note, '') = '' THEN '' ELSE ': ' || e.note END
           END AS detail
    FROM order_events AS e
    UNION ALL
    SELECT a.shard, a.tenant, a.order_key, a.started_sequence, a.started_ms, 'call', a.kind,
           CAST(0 AS BIGINT), CAST(NULL AS TEXT), CAST(NULL AS TEXT), a.provider,
           'attempt ' || CAST(a.attempt AS TEXT) || ' leaves'
    FROM attempts AS a
    WHERE a.started_sequence IS NOT NULL
    UNION ALL
    SELECT a.shard, a.tenant, a.order_key, a.ended_sequence, a.ended_ms, 'answer', a.kind,
           CAST(0 AS BIGINT), CAST(NULL AS TEXT), a.next, a.provider,
           'attempt ' || CAST(a.attempt AS TEXT) || ' ' || COALESCE(a.class, '') || ' in '
           || CAST(COALESCE(a.latency_ms, 0) AS TEXT) || ' ms '
           || COALESCE(a.code, '') || ' ' || COALESCE(a.message, '')
    FROM attempts AS a
    WHERE a.ended_sequence IS NOT NULL
    UNION ALL
    SELECT d.shard, d.tenant, d.order_key, d.sequence, d.time_ms, 'decision', d.action, d.actor,
           CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS BIGINT), COALESCE(d.reason, '')
    FROM decisions AS d
    UNION ALL
    SELECT r.shard, r.tenant, r.order_key, r.sequence, r.time_ms, 'report', r.report,
           CAST(0 AS BIGINT), CAST(NULL AS TEXT), r.fate, r.provider, COALESCE(r.text, '')
    FROM provider_reports AS r
    UNION ALL
    SELECT j.shard, j.tenant, j.order_key, j.sequence, j.time_ms, 'rejected', j.reason, j.actor,
           CAST(NULL AS TEXT), 'REJECTED', CAST(NULL AS BIGINT),
           CAST(COALESCE(j.short_lines, 0) AS TEXT) || ' lines could not be covered'
    FROM rejections AS j
) AS x
JOIN tenants AS t ON t.shard = x.shard AND t.tenant = x.tenant
LEFT JOIN actors AS a ON a.shard = x.shard AND a.actor = x.actor
LEFT JOIN providers AS p ON p.shard = x.shard AND p.provider = x.provider
WHERE t.name = $1 AND x.order_key = $2
ORDER BY x.sequence, x.what
LIMIT 1000
