-- What is looked for by key, customer, channel's order id or e-mail is found without a scan.
CREATE INDEX orders_of_customer ON orders (shard, tenant, customer);
CREATE INDEX orders_of_external_id ON orders (shard, tenant, external_id);
CREATE INDEX personal_data_of_email ON personal_data (shard, tenant, email);
CREATE INDEX rejections_of_order ON rejections (shard, tenant, order_key);
CREATE INDEX rejections_of_customer ON rejections (shard, tenant, customer);
CREATE INDEX decisions_of_order ON decisions (shard, tenant, order_key);
CREATE INDEX provider_reports_of_order ON provider_reports (shard, tenant, order_key);
CREATE INDEX channel_events_decided ON channel_events (shard, tenant, time_ms)
    WHERE fate IN ('open', 'discarded');
