\set product random(1, 20000)
\set id random(1, 9000000000000000000)
BEGIN;
INSERT INTO idempotency_keys (user_id, route, key, body_hash, status, response) VALUES (md5(:id::bigint::text)::uuid, 'POST /api/v1/orders', :id::bigint::text, decode(repeat('00', 32), 'hex'), 201, decode(repeat('00', 600), 'hex'));
SELECT cooperative_id FROM listings WHERE id = ('4d697a69-6c69-8000-8000-' || lpad(to_hex(:product::int), 12, '0'))::uuid FOR NO KEY UPDATE \gset
SELECT holder, total(quantity_milli) FROM stock_entries WHERE listing_id = ('4d697a69-6c69-8000-8000-' || lpad(to_hex(:product::int), 12, '0'))::uuid GROUP BY holder;
INSERT INTO orders (id, listing_id, cooperative_id, quantity_milli, unit_price_minor, currency, holder, buyer_phone, buyer_name, status, channel, placed_at_s, buyer_user_id) VALUES (md5(:id::bigint::text)::uuid, ('4d697a69-6c69-8000-8000-' || lpad(to_hex(:product::int), 12, '0'))::uuid, :cooperative_id::int, 1000, 100, 'KES', 0, 254700000000, '', 1, 3, 0, md5(:id::bigint::text)::uuid);
INSERT INTO stock_entries (of_id, step, listing_id, cooperative_id, holder, quantity_milli, kind) VALUES (md5(:id::bigint::text)::uuid, 0, ('4d697a69-6c69-8000-8000-' || lpad(to_hex(:product::int), 12, '0'))::uuid, :cooperative_id::int, 0, -1000, 1);
SELECT version, digests FROM buckets WHERE name = 'coop:' || :cooperative_id::int FOR NO KEY UPDATE;
INSERT INTO sync_rows (bucket, entity, id, version, deleted, hash, payload) SELECT b.name, e, decode(md5(:id::bigint::text), 'hex'), b.version + e, false, decode(repeat('00', 16), 'hex'), decode(repeat('00', 80), 'hex') FROM buckets b, generate_series(1, 2) e WHERE b.name = 'coop:' || :cooperative_id::int;
UPDATE buckets SET version = version + 2, digests = digests WHERE name = 'coop:' || :cooperative_id::int;
COMMIT;
