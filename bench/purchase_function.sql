-- The same purchase with the program in the database: one round trip.
\set session_id random(:session_first, :session_last)
\set product_id random(:product_first, :product_last)
SELECT bench_purchase(:session_id, :product_id, gen_random_uuid()::text);
