-- The statements of purchase_statements.sql, in the same order.
CREATE FUNCTION bench_purchase(wanted_session_id bigint, wanted_product_id bigint, wanted_key text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    buyer record;
    product record;
    new_id bigint;
    now_us bigint;
    today integer;
BEGIN
    SELECT users.id, wallets.id AS wallet_id INTO STRICT buyer
    FROM sessions
    JOIN users ON users.id = sessions.user_id
    JOIN accounts AS wallets ON wallets.user_id = users.id AND wallets.kind = 'wallet'
    WHERE sessions.id = wanted_session_id AND sessions.ended_us IS NULL
      AND sessions.expires_us > extract(epoch FROM clock_timestamp()) * 1000000
      AND users.state = 'active' AND users.is_buyer
    FOR NO KEY UPDATE OF wallets;
    new_id := nextval('orders_id_seq');
    now_us := extract(epoch FROM clock_timestamp()) * 1000000;
    SELECT products.name, coalesce(shelves.price_cents, products.price_cents) AS price_cents, products.seller_id,
           products.refundable, products.tax_basis_points, products.cost_cents, earnings.id AS earnings_id
    INTO STRICT product
    FROM products
    JOIN shelves ON shelves.product_id = products.id AND shelves.machine_id = 1
    JOIN accounts AS earnings ON earnings.user_id = products.seller_id AND earnings.kind = 'earnings'
    WHERE products.id = wanted_product_id AND products.removed_us IS NULL;
    today := now_us / 86400000000;
    INSERT INTO orders (id, buyer_id, machine_id, payment, status, total_cents, created_us, fulfilled_us, day)
    VALUES (new_id, buyer.id, 1, 'wallet', 'dispensed', product.price_cents, now_us, now_us, today);
    INSERT INTO order_lines (order_id, product_id, position, quantity, name, price_cents, seller_id, refundable,
                             tax_basis_points, cost_cents, refunded_quantity)
    VALUES (new_id, wanted_product_id, 0, 1, product.name, product.price_cents, product.seller_id,
            product.refundable, product.tax_basis_points, product.cost_cents, 0);
    INSERT INTO idempotency (scope, key, fingerprint, kind, outcome, order_id, created_us)
    VALUES ('user:' || buyer.id, wanted_key,
            '\x5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9', 'order.placed/1',
            '{"order_id":' || new_id || ',"client_ref": null,"status":"dispensed","payment":"wallet","machine_id": 1,'
            '"lines":[{"product_id":' || wanted_product_id || ',"name":"' || product.name
            || '","quantity": 1,"price_cents":' || product.price_cents || ',"refunded_quantity": 0}],"total_cents":'
            || product.price_cents || ',"balance_cents": 100000000,"change":{},"created_us":' || now_us
            || ',"owed_cents": null}',
            new_id, now_us);
    UPDATE accounts SET balance_cents = balance_cents - product.price_cents WHERE id = buyer.wallet_id;
    UPDATE shelves SET quantity = quantity - 1
    WHERE machine_id = 1 AND product_id = wanted_product_id AND quantity >= 1;
    INSERT INTO stock_movements (kind, machine_id, product_id, quantity, order_id, actor_id, created_us)
    VALUES ('sale', 1, wanted_product_id, -1, new_id, buyer.id, now_us);
    INSERT INTO sales (day, machine_id, product_id, sold_quantity, sold_cents, refunded_quantity, refunded_cents)
    VALUES (today, 1, wanted_product_id, 1, product.price_cents, 0, 0)
    ON CONFLICT (day, machine_id, product_id) DO UPDATE
    SET sold_quantity = sales.sold_quantity + excluded.sold_quantity,
        sold_cents = sales.sold_cents + excluded.sold_cents;
    UPDATE accounts SET balance_cents = balance_cents + product.price_cents WHERE id = product.earnings_id;
    INSERT INTO transfers (id, kind, source_id, target_id, amount_cents, order_id, actor_id, machine_id, created_us)
    VALUES (nextval('transfers_id_seq'), 'sale', buyer.wallet_id, product.earnings_id, product.price_cents, new_id,
            buyer.id, 1, now_us);
    RETURN new_id;
END
$$;
