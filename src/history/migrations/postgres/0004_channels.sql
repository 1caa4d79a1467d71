-- A sales channel.
CREATE TABLE channels (
    shard BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    channel BIGINT NOT NULL,
    name TEXT,
    kind TEXT,
    updated_ms BIGINT,
    PRIMARY KEY (shard, tenant, channel)
);

-- What a channel may sell was decided anew.
CREATE TABLE channel_rules (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    tenant BIGINT,
    channel BIGINT,
    command_key TEXT,
    sku BIGINT,
    rule TEXT,
    units BIGINT,
    then_pool BIGINT,
    PRIMARY KEY (shard, sequence)
);

-- A campaign as it is now.
CREATE TABLE campaigns (
    shard BIGINT NOT NULL,
    campaign BIGINT NOT NULL,
    tenant BIGINT,
    channel BIGINT,
    name TEXT,
    from_ms BIGINT,
    to_ms BIGINT,
    then_pool BIGINT,
    state TEXT,
    planned_ms BIGINT,
    planned_by BIGINT,
    started_ms BIGINT,
    ended_ms BIGINT,
    ended_by TEXT,
    PRIMARY KEY (shard, campaign)
);

-- What a campaign has of one SKU.
CREATE TABLE campaign_units (
    shard BIGINT NOT NULL,
    campaign BIGINT NOT NULL,
    sku BIGINT NOT NULL,
    wanted BIGINT,
    given BIGINT,
    sold BIGINT,
    returned BIGINT,
    PRIMARY KEY (shard, campaign, sku)
);

-- A quantity that a channel acknowledged.
CREATE TABLE stock_published (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    line BIGINT NOT NULL,
    time_ms BIGINT,
    tenant BIGINT,
    channel BIGINT,
    sku BIGINT,
    quantity BIGINT,
    as_of_sequence BIGINT,
    PRIMARY KEY (shard, sequence, line)
);

CREATE INDEX channel_events_of_event ON channel_events (shard, event_id, sequence);
CREATE INDEX stock_published_of_sku ON stock_published (shard, tenant, channel, sku, sequence);
