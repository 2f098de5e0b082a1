-- Left, right and full joins: one operator each, whose columns are those of both sides.

-- title: left join
SELECT o.id,
    c.name
   FROM (public.orders o
     LEFT JOIN public.customers c ON ((o.customer_id = c.id)));
-- Map q3: q3.id, q3.name
--   Left join q1, q2 on q1.customer_id = q2.id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q2.id as id_2, q2.name, q2.city
--     Get public.orders
--     Get public.customers

-- title: left join with a condition on the right side
SELECT o.id,
    e.at
   FROM (public.orders o
     LEFT JOIN public.events e ON (((e.order_id = o.id) AND (e.kind = 'delivered'::text))));
-- Map q3: q3.id, q3.at
--   Left join q1, q2 on q2.order_id = q1.id and q2.kind = CAST('delivered' AS text): q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q2.order_id, q2.kind, q2.at
--     Get public.orders
--     Get public.events

-- title: a filter above a left join stays above
SELECT o.id
   FROM (public.orders o
     LEFT JOIN public.customers c ON ((o.customer_id = c.id)))
  WHERE (c.id IS NULL);
-- Filter q3 on q3.id_2 IS NULL: q3.id
--   Left join q1, q2 on q1.customer_id = q2.id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q2.id as id_2, q2.name, q2.city
--     Get public.orders
--     Get public.customers

-- title: right join is a left join with the sides exchanged
SELECT o.id,
    c.name
   FROM (public.orders o
     RIGHT JOIN public.customers c ON ((o.customer_id = c.id)));
-- Map q3: q3.id_2 as id, q3.name
--   Left join q1, q2 on q2.customer_id = q1.id: q1.id, q1.name, q1.city, q2.id as id_2, q2.customer_id, q2.amount, q2.placed_at, q2.tags, q2.body
--     Get public.customers
--     Get public.orders

-- title: full join
SELECT o.id,
    r.amount
   FROM (public.orders o
     FULL JOIN public.refunds r ON ((o.id = r.id)));
-- Map q3: q3.id, q3.amount_2 as amount
--   Full join q1, q2 on q1.id = q2.id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q2.id as id_2, q2.amount as amount_2, q2.city
--     Get public.orders
--     Get public.refunds

-- title: left join using takes the left column
SELECT orders.id,
    refunds.amount
   FROM (public.orders
     LEFT JOIN public.refunds USING (id));
-- Map q3: q3.id, q3.amount_2 as amount
--   Left join q1, q2 on q1.id = q2.id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q2.id as id_2, q2.amount as amount_2, q2.city
--     Get public.orders
--     Get public.refunds

-- title: right join using takes the right column
SELECT refunds.id,
    orders.placed_at
   FROM (public.orders
     RIGHT JOIN public.refunds USING (id));
-- Map q3: q3.id, q3.placed_at
--   Left join q1, q2 on q1.id = q2.id: q1.id, q1.amount, q1.city, q2.id as id_2, q2.customer_id, q2.amount as amount_2, q2.placed_at, q2.tags, q2.body
--     Get public.refunds
--     Get public.orders

-- title: full join using takes whichever is there
SELECT id,
    orders.placed_at,
    refunds.city
   FROM (public.orders
     FULL JOIN public.refunds USING (id));
-- Map q3: COALESCE(q3.id, q3.id_2) as id, q3.placed_at, q3.city
--   Full join q1, q2 on q1.id = q2.id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q2.id as id_2, q2.amount as amount_2, q2.city
--     Get public.orders
--     Get public.refunds

-- title: natural left join
SELECT customers.id,
    customers.city,
    customers.name
   FROM (public.customers
     LEFT JOIN public.refunds USING (id, city));
-- Map q3: q3.id, q3.city, q3.name
--   Left join q1, q2 on q1.id = q2.id and q1.city = q2.city: q1.id, q1.name, q1.city, q2.id as id_2, q2.amount, q2.city as city_2
--     Get public.customers
--     Get public.refunds

-- title: two left joins, the second over the first
SELECT o.id,
    c.name,
    r.amount
   FROM ((public.orders o
     LEFT JOIN public.customers c ON ((o.customer_id = c.id)))
     LEFT JOIN public.refunds r ON ((r.id = o.id)));
-- Map q5: q5.id, q5.name, q5.amount_2 as amount
--   Left join q3, q4 on q4.id = q3.id: q3.id, q3.customer_id, q3.amount, q3.placed_at, q3.tags, q3.body, q3.id_2, q3.name, q3.city, q4.id as id_3, q4.amount as amount_2, q4.city as city_2
--     Left join q1, q2 on q1.customer_id = q2.id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q2.id as id_2, q2.name, q2.city
--       Get public.orders
--       Get public.customers
--     Get public.refunds

-- title: an inner join inside a left join
SELECT c.name,
    o.id,
    e.kind
   FROM (public.customers c
     LEFT JOIN (public.orders o
     JOIN public.events e ON ((e.order_id = o.id))) ON ((o.customer_id = c.id)));
-- Map q5: q5.name, q5.id_2 as id, q5.kind
--   Left join q1, q4 on q4.customer_id = q1.id: q1.id, q1.name, q1.city, q4.customer_id, q4.id as id_2, q4.kind, q4.order_id
--     Get public.customers
--     Join q2, q3 on q3.order_id = q2.id: q2.customer_id, q2.id, q3.kind, q3.order_id
--       Get public.orders
--       Get public.events

-- title: a self left join without an equality
SELECT a.id,
    b.id AS later
   FROM (public.orders a
     LEFT JOIN public.orders b ON ((a.placed_at < b.placed_at)));
-- Map q3: q3.id, q3.id_2 as later
--   Left join q1, q2 on q1.placed_at < q2.placed_at: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q2.id as id_2, q2.customer_id as customer_id_2, q2.amount as amount_2, q2.placed_at as placed_at_2, q2.tags as tags_2, q2.body as body_2
--     Get public.orders
--     Get public.orders

-- title: the clock in the condition
SELECT o.id,
    e.at
   FROM (public.orders o
     LEFT JOIN public.events e ON (((e.order_id = o.id) AND (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) (e.at)::mz_catalog.mz_timestamp))));
-- Map q6: q6.id, q6.column2 as at
--   Left join q1, q5 on q1.id = q5.of_order_id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q5.column0, q5.column1, q5.column2
--     Get public.orders
--     Temporal filter until q4.until + 1
--       Map q3: q3.order_id as column0, q3.kind as column1, q3.at as column2, q3.order_id as of_order_id, CAST(q3.at AS mz_catalog.mz_timestamp) as until
--         Get public.events
