-- Something that a channel sent, or what became of it.
CREATE TABLE channel_events (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    tenant BIGINT,
    channel BIGINT,
    event_id TEXT,
    fate TEXT,
    topic TEXT,
    body_bytes BIGINT,
    order_key TEXT,
    changed_ms BIGINT,
    order_version BIGINT,
    note TEXT,
    PRIMARY KEY (shard, sequence)
);

-- A channel's item stands for a SKU, or for none any more.
CREATE TABLE item_mappings (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    tenant BIGINT,
    channel BIGINT,
    item TEXT,
    sku BIGINT,
    write_back TEXT,
    PRIMARY KEY (shard, sequence)
);

CREATE INDEX channel_events_of_order ON channel_events (shard, tenant, order_key);
