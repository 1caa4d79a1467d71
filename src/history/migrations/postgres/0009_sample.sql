-- The orders of a time, and one in so many of them, are found without reading their rows.
DROP INDEX orders_by_time;
CREATE INDEX orders_by_time ON orders (accepted_ms, shard, tenant, accepted_sequence);
