SELECT CAST(x.sequence AS TEXT) AS sequence, CAST(x.time_ms AS TEXT) AS time_ms, x.what,
       x.event, a.name AS actor, x.before_state, x.after_state, p.name AS provider, x.detail
FROM (
    SELECT e.shard, e.sequence, e.time_ms, 'event' AS what, e.event,
           e.actor, e.from_state AS before_state, e.to_state AS after_state,
           CAST(NULL AS BIGINT) AS provider,
           CASE WHEN COALESCE(e.review_reason, 'none') = 'none' THEN COALESCE(e.note, '')
                ELSE e.review_reason || CASE WHEN COALESCE(e.note, '') = '' THEN '' ELSE ': ' || e.note END
           END AS detail
    FROM tenants AS t CROSS JOIN order_events AS e INDEXED BY order_events_of_order
    WHERE t.name = $1 AND e.shard = t.shard AND e.tenant = t.tenant AND e.order_key = $2
    UNION ALL
    SELECT a.shard, a.started_sequence, a.started_ms, 'call', a.kind,
           CAST(0 AS BIGINT), CAST(NULL AS TEXT), CAST(NULL AS TEXT), a.provider,
           'attempt ' || CAST(a.attempt AS TEXT) || ' leaves'
    FROM tenants AS t CROSS JOIN attempts AS a
    WHERE t.name = $1 AND a.shard = t.shard AND a.tenant = t.tenant AND a.order_key = $2
      AND a.started_sequence IS NOT NULL
    UNION ALL
    SELECT a.shard, a.ended_sequence, a.ended_ms, 'answer', a.kind,
           CAST(0 AS BIGINT), CAST(NULL AS TEXT), a.next, a.provider,
           'attempt ' || CAST(a.attempt AS TEXT) || ' ' || COALESCE(a.class, '') || ' in '
           || CAST(COALESCE(a.latency_ms, 0) AS TEXT) || ' ms '
           || COALESCE(a.code, '') || ' ' || COALESCE(a.message, '')
    FROM tenants AS t CROSS JOIN attempts AS a
    WHERE t.name = $1 AND a.shard = t.shard AND a.tenant = t.tenant AND a.order_key = $2
      AND a.ended_sequence IS NOT NULL
    UNION ALL
    SELECT d.shard, d.sequence, d.time_ms, 'decision', d.action, d.actor,
           CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS BIGINT), COALESCE(d.reason, '')
    FROM tenants AS t CROSS JOIN decisions AS d INDEXED BY decisions_of_order
    WHERE t.name = $1 AND d.shard = t.shard AND d.tenant = t.tenant AND d.order_key = $2
    UNION ALL
    SELECT r.shard, r.sequence, r.time_ms, 'report', r.report,
           CAST(0 AS BIGINT), CAST(NULL AS TEXT), r.fate, r.provider, COALESCE(r.text, '')
    FROM tenants AS t CROSS JOIN provider_reports AS r INDEXED BY provider_reports_of_order
    WHERE t.name = $1 AND r.shard = t.shard AND r.tenant = t.tenant AND r.order_key = $2
    UNION ALL
    SELECT c.shard, c.sequence, c.time_ms, 'channel', c.fate, c.actor,
           CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS BIGINT), COALESCE(c.note, '')
    FROM tenants AS t CROSS JOIN channel_events AS c INDEXED BY channel_events_of_order
    WHERE t.name = $1 AND c.shard = t.shard AND c.tenant = t.tenant AND c.order_key = $2
    UNION ALL
    SELECT j.shard, j.sequence, j.time_ms, 'rejected', j.reason, j.actor,
           CAST(NULL AS TEXT), 'REJECTED', CAST(NULL AS BIGINT),
           CASE WHEN COALESCE(j.short_lines, 0) = 0 THEN ''
                WHEN j.short_lines = 1 THEN '1 line could not be covered'
                ELSE CAST(j.short_lines AS TEXT) || ' lines could not be covered' END
    FROM tenants AS t CROSS JOIN rejections AS j INDEXED BY rejections_of_order
    WHERE t.name = $1 AND j.shard = t.shard AND j.tenant = t.tenant AND j.order_key = $2
) AS x
LEFT JOIN actors AS a ON a.shard = x.shard AND a.actor = x.actor
LEFT JOIN providers AS p ON p.shard = x.shard AND p.provider = x.provider
ORDER BY x.sequence, x.what
LIMIT 1000
