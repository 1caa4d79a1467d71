-- A person moved the cursor of a subscriber of events, or had it served again.
CREATE TABLE subscriber_moves (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    tenant BIGINT,
    subscriber TEXT,
    before_sequence BIGINT,
    after_sequence BIGINT,
    reason TEXT,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID;

-- Who did what lately is found without a scan, newest first without a sort.
CREATE INDEX subscriber_moves_by_time ON subscriber_moves (shard, tenant, time_ms, sequence);
CREATE INDEX decisions_by_time ON decisions (shard, tenant, time_ms, sequence);
CREATE INDEX stock_movements_by_time ON stock_movements (shard, time_ms, sequence);
CREATE INDEX refused_commands_by_time ON refused_commands (shard, tenant, time_ms, sequence);
CREATE INDEX item_mappings_by_time ON item_mappings (shard, tenant, time_ms, sequence);
CREATE INDEX breaker_changes_by_hand ON breaker_changes (shard, time_ms, sequence)
    WHERE cause = 'operator';
CREATE INDEX channel_events_by_hand ON channel_events (shard, tenant, time_ms, sequence)
    WHERE fate IN ('open', 'discarded');
DROP INDEX channel_events_decided;
