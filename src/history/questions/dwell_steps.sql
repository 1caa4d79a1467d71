SELECT 'step' AS kind,
       COALESCE(s.pipeline_name || ' / ', '') || COALESCE(s.step_name, '–') || ' / ' || v.state AS name,
       CAST(COUNT(*) AS TEXT) AS volume, CAST(CAST(AVG(v.dwell_ms) AS BIGINT) AS TEXT) AS average_ms,
       CAST(MAX(v.dwell_ms) AS TEXT) AS longest_ms
FROM state_visits AS v
JOIN tenants AS t ON t.shard = v.shard AND t.tenant = v.tenant
LEFT JOIN pipeline_steps AS s
       ON s.shard = v.shard AND s.pipeline_set = v.pipeline_set AND s.pipeline = v.pipeline
      AND s.step = v.step
WHERE t.name = $1 AND v.dwell_ms IS NOT NULL
GROUP BY s.pipeline_name, s.step_name, v.state
