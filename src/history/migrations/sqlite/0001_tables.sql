-- The history: what the journal says, as tables. docs/HISTORY.md explains every column.
-- Times are milliseconds since the Unix epoch, amounts minor units, sequences places in the journal.

CREATE TABLE shards (
    shard BIGINT NOT NULL PRIMARY KEY,
    next_sequence BIGINT NOT NULL,
    batch_sequence BIGINT NOT NULL,
    segment BIGINT NOT NULL,
    byte_offset BIGINT NOT NULL,
    hash TEXT NOT NULL,
    time_ms BIGINT NOT NULL
);

-- A tenant.
CREATE TABLE tenants (
    shard BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    name TEXT,
    PRIMARY KEY (shard, tenant)
) WITHOUT ROWID;

-- Who acts.
CREATE TABLE actors (
    shard BIGINT NOT NULL,
    actor BIGINT NOT NULL,
    name TEXT,
    PRIMARY KEY (shard, actor)
) WITHOUT ROWID;

-- What is sold.
CREATE TABLE skus (
    shard BIGINT NOT NULL,
    sku BIGINT NOT NULL,
    tenant BIGINT,
    name TEXT,
    on_sale BIGINT,
    PRIMARY KEY (shard, sku)
) WITHOUT ROWID;

-- Where stock is.
CREATE TABLE locations (
    shard BIGINT NOT NULL,
    location BIGINT NOT NULL,
    tenant BIGINT,
    name TEXT,
    x BIGINT,
    y BIGINT,
    priority BIGINT,
    PRIMARY KEY (shard, location)
) WITHOUT ROWID;

-- Who serves the steps.
CREATE TABLE providers (
    shard BIGINT NOT NULL,
    provider BIGINT NOT NULL,
    name TEXT,
    PRIMARY KEY (shard, provider)
) WITHOUT ROWID;

-- The steps of the pipelines in every set.
CREATE TABLE pipeline_steps (
    shard BIGINT NOT NULL,
    pipeline_set BIGINT NOT NULL,
    pipeline BIGINT NOT NULL,
    step BIGINT NOT NULL,
    pipeline_name TEXT,
    step_name TEXT,
    step_kind TEXT,
    defined_sequence BIGINT,
    defined_ms BIGINT,
    PRIMARY KEY (shard, pipeline_set, pipeline, step)
) WITHOUT ROWID;

-- An order as it is now.
CREATE TABLE orders (
    shard BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    order_key TEXT NOT NULL,
    accepted_sequence BIGINT,
    accepted_ms BIGINT,
    version BIGINT,
    channel BIGINT,
    customer TEXT,
    currency BIGINT,
    total BIGINT,
    placed BIGINT,
    partial BIGINT,
    external_id TEXT,
    country TEXT,
    checkout_seconds BIGINT,
    units BIGINT,
    units_shipped BIGINT,
    units_returned BIGINT,
    expires_ms BIGINT,
    state TEXT,
    sub_state TEXT,
    review_reason TEXT,
    pipeline_set BIGINT,
    pipeline BIGINT,
    step BIGINT,
    score BIGINT,
    processor BIGINT,
    carrier TEXT,
    authorised BIGINT,
    captured BIGINT,
    refunded BIGINT,
    touched BIGINT,
    exception BIGINT,
    confirmed_ms BIGINT,
    captured_ms BIGINT,
    shipped_ms BIGINT,
    delivered_ms BIGINT,
    ended_ms BIGINT,
    updated_sequence BIGINT,
    updated_ms BIGINT,
    PRIMARY KEY (shard, tenant, order_key)
) WITHOUT ROWID;

-- What an order says about a person.
CREATE TABLE personal_data (
    shard BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    order_key TEXT NOT NULL,
    accepted_sequence BIGINT,
    contact_name TEXT,
    email TEXT,
    phone TEXT,
    shipping_address TEXT,
    billing_address TEXT,
    ip TEXT,
    device TEXT,
    session TEXT,
    custom_handling TEXT,
    PRIMARY KEY (shard, tenant, order_key)
) WITHOUT ROWID;

-- Units that an accepted version took, one row a SKU and location.
CREATE TABLE order_lines (
    shard BIGINT NOT NULL,
    accepted_sequence BIGINT NOT NULL,
    line BIGINT NOT NULL,
    tenant BIGINT,
    order_key TEXT,
    sku BIGINT,
    location BIGINT,
    quantity BIGINT,
    unit_price BIGINT,
    PRIMARY KEY (shard, accepted_sequence, line)
) WITHOUT ROWID;

-- Units of an order that were confirmed, shipped or returned.
CREATE TABLE line_movements (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    line BIGINT NOT NULL,
    tenant BIGINT,
    order_key TEXT,
    action TEXT,
    sku BIGINT,
    location BIGINT,
    quantity BIGINT,
    disposition TEXT,
    PRIMARY KEY (shard, sequence, line)
) WITHOUT ROWID;

-- A refused order.
CREATE TABLE rejections (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    tenant BIGINT,
    order_key TEXT,
    version BIGINT,
    channel BIGINT,
    customer TEXT,
    reason TEXT,
    short_lines BIGINT,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID;

-- Something that happened to an order.
CREATE TABLE order_events (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    tenant BIGINT,
    order_key TEXT,
    event TEXT,
    from_state TEXT,
    to_state TEXT,
    sub_state TEXT,
    review_reason TEXT,
    pipeline_set BIGINT,
    pipeline BIGINT,
    step BIGINT,
    processor BIGINT,
    amount BIGINT,
    note TEXT,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID;

-- A call to a provider, all attempts together.
CREATE TABLE effects (
    shard BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    order_key TEXT NOT NULL,
    effect BIGINT NOT NULL,
    started_sequence BIGINT,
    started_ms BIGINT,
    kind TEXT,
    provider BIGINT,
    step BIGINT,
    milestone TEXT,
    target BIGINT,
    amount BIGINT,
    reference TEXT,
    note TEXT,
    attempts BIGINT,
    outcome TEXT,
    class TEXT,
    status BIGINT,
    code TEXT,
    message TEXT,
    ended_ms BIGINT,
    dead_ms BIGINT,
    dead_class TEXT,
    dead_code TEXT,
    redriven_ms BIGINT,
    updated_sequence BIGINT,
    PRIMARY KEY (shard, tenant, order_key, effect)
) WITHOUT ROWID;

-- One attempt of an effect.
CREATE TABLE attempts (
    shard BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    order_key TEXT NOT NULL,
    effect BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    started_sequence BIGINT,
    started_ms BIGINT,
    kind TEXT,
    provider BIGINT,
    ended_sequence BIGINT,
    ended_ms BIGINT,
    class TEXT,
    next TEXT,
    counted BIGINT,
    due_ms BIGINT,
    latency_ms BIGINT,
    status BIGINT,
    amount BIGINT,
    code TEXT,
    message TEXT,
    PRIMARY KEY (shard, tenant, order_key, effect, attempt)
) WITHOUT ROWID;

-- A breaker changed.
CREATE TABLE breaker_changes (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    provider BIGINT,
    from_state TEXT,
    to_state TEXT,
    cause TEXT,
    generation BIGINT,
    failures BIGINT,
    open_for_ms BIGINT,
    until_ms BIGINT,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID;

-- A provider said something on its own.
CREATE TABLE provider_reports (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    provider BIGINT,
    event_id TEXT,
    report TEXT,
    fate TEXT,
    tenant BIGINT,
    order_key TEXT,
    amount BIGINT,
    reference TEXT,
    text TEXT,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID;

-- A person decided.
CREATE TABLE decisions (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    tenant BIGINT,
    order_key TEXT,
    command_key TEXT,
    action TEXT,
    effect BIGINT,
    amount BIGINT,
    reason TEXT,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID;

-- Stock came, went, was corrected or changed its bucket.
CREATE TABLE stock_movements (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    tenant BIGINT,
    command_key TEXT,
    kind TEXT,
    sku BIGINT,
    location BIGINT,
    to_location BIGINT,
    quantity BIGINT,
    on_hand BIGINT,
    from_bucket TEXT,
    to_bucket TEXT,
    reason TEXT,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID;

-- A refused command.
CREATE TABLE refused_commands (
    shard BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time_ms BIGINT,
    actor BIGINT,
    tenant BIGINT,
    command_key TEXT,
    code TEXT,
    of_order BIGINT,
    PRIMARY KEY (shard, sequence)
) WITHOUT ROWID;

CREATE INDEX order_events_of_order ON order_events (shard, tenant, order_key, sequence);
CREATE INDEX orders_by_time ON orders (accepted_ms);
CREATE INDEX effects_dead ON effects (dead_ms) WHERE dead_ms IS NOT NULL;
