-- One purchase as a competent program commits it alone: one prepared statement for each thing to know or write,
-- ids from sequences in the same round trips, wallets locked before shelves and shelves before earnings, what
-- many buyers share last, so that it is held for the fewest round trips. (A space follows each colon in the
-- text, since pgbench takes a name after one for a variable.)
\set session_id random(:session_first, :session_last)
\set product_id random(:product_first, :product_last)
BEGIN;
SELECT users.id AS buyer_id, wallets.id AS wallet_id, nextval('orders_id_seq') AS order_id,
       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us
FROM sessions
JOIN users ON users.id = sessions.user_id
JOIN accounts AS wallets ON wallets.user_id = users.id AND wallets.kind = 'wallet'
WHERE sessions.id = :session_id AND sessions.ended_us IS NULL
  AND sessions.expires_us > extract(epoch FROM clock_timestamp()) * 1000000
  AND users.state = 'active' AND users.is_buyer
FOR NO KEY UPDATE OF wallets \gset
SELECT products.name, coalesce(shelves.price_cents, products.price_cents) AS price_cents, products.seller_id,
       products.refundable, products.tax_basis_points, products.cost_cents, earnings.id AS earnings_id
FROM products
JOIN shelves ON shelves.product_id = products.id AND shelves.machine_id = 1
JOIN accounts AS earnings ON earnings.user_id = products.seller_id AND earnings.kind = 'earnings'
WHERE products.id = :product_id AND products.removed_us IS NULL \gset
\set day :now_us / 86400000000
INSERT INTO orders (id, buyer_id, machine_id, payment, status, total_cents, created_us, fulfilled_us, day)
VALUES (:order_id, :buyer_id, 1, 'wallet', 'dispensed', :price_cents, :now_us, :now_us, :day);
INSERT INTO order_lines (order_id, product_id, position, quantity, name, price_cents, seller_id, refundable,
                         tax_basis_points, cost_cents, refunded_quantity)
VALUES (:order_id, :product_id, 0, 1, :name, :price_cents, :seller_id, :refundable,
        :tax_basis_points, :cost_cents, 0);
INSERT INTO idempotency (scope, key, fingerprint, kind, outcome, order_id, created_us)
VALUES ('user:' || :buyer_id, gen_random_uuid()::text,
        '\x5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9', 'order.placed/1',
        '{"order_id":' || :order_id || ',"client_ref": null,"status":"dispensed","payment":"wallet","machine_id": 1,'
        '"lines":[{"product_id":' || :product_id || ',"name":"' || :name || '","quantity": 1,"price_cents":'
        || :price_cents || ',"refunded_quantity": 0}],"total_cents":' || :price_cents
        || ',"balance_cents": 100000000,"change":{},"created_us":' || :now_us || ',"owed_cents": null}',
        :order_id, :now_us);
UPDATE accounts SET balance_cents = balance_cents - :price_cents WHERE id = :wallet_id;
UPDATE shelves SET quantity = quantity - 1
WHERE machine_id = 1 AND product_id = :product_id AND quantity >= 1;
INSERT INTO stock_movements (kind, machine_id, product_id, quantity, order_id, actor_id, created_us)
VALUES ('sale', 1, :product_id, -1, :order_id, :buyer_id, :now_us);
INSERT INTO sales (day, machine_id, product_id, sold_quantity, sold_cents, refunded_quantity, refunded_cents)
VALUES (:day, 1, :product_id, 1, :price_cents, 0, 0)
ON CONFLICT (day, machine_id, product_id) DO UPDATE
SET sold_quantity = sales.sold_quantity + excluded.sold_quantity,
    sold_cents = sales.sold_cents + excluded.sold_cents;
UPDATE accounts SET balance_cents = balance_cents + :price_cents WHERE id = :earnings_id;
INSERT INTO transfers (id, kind, source_id, target_id, amount_cents, order_id, actor_id, machine_id, created_us)
VALUES (nextval('transfers_id_seq'), 'sale', :wallet_id, :earnings_id, :price_cents, :order_id, :buyer_id, 1,
        :now_us);
COMMIT;
