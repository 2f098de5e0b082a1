-- Inner joins: one operator over all inputs, equalities among its conditions.

-- title: on
SELECT o.id,
    c.name
   FROM (public.orders o
     JOIN public.customers c ON ((o.customer_id = c.id)));
-- Join q1, q2 on q1.customer_id = q2.id: q1.id, q2.name
--   Get public.orders
--   Get public.customers

-- title: comma and where
SELECT o.id,
    c.name
   FROM public.orders o,
    public.customers c
  WHERE ((o.customer_id = c.id) AND (c.city = 'Oslo'::text));
-- Join q1, q2 on q1.customer_id = q2.id and q2.city = CAST('Oslo' AS text): q1.id, q2.name
--   Get public.orders
--   Get public.customers

-- title: using shows the column once
SELECT orders.id,
    orders.amount,
    refunds.amount AS refunded
   FROM (public.orders
     JOIN public.refunds USING (id));
-- Join q1, q2 on q1.id = q2.id: q1.id, q1.amount, q2.amount as refunded
--   Get public.orders
--   Get public.refunds

-- title: natural join over all common columns
SELECT customers.id,
    customers.city,
    customers.name,
    refunds.amount
   FROM (public.customers
     JOIN public.refunds USING (id, city));
-- Join q1, q2 on q1.id = q2.id and q1.city = q2.city: q1.id, q1.city, q1.name, q2.amount
--   Get public.customers
--   Get public.refunds

-- title: three inputs are one join
SELECT o.id,
    c.name,
    e.kind
   FROM ((public.orders o
     JOIN public.customers c ON ((c.id = o.customer_id)))
     JOIN public.events e ON ((e.order_id = o.id)));
-- Join q1, q2, q3 on q2.id = q1.customer_id and q3.order_id = q1.id: q1.id, q2.name, q3.kind
--   Get public.orders
--   Get public.customers
--   Get public.events

-- title: a band beside an equality
SELECT o.id,
    e.kind
   FROM (public.orders o
     JOIN public.events e ON (((e.order_id = o.id) AND ((e.at >= (o.placed_at - '02:00:00'::interval)) AND (e.at <= (o.placed_at + '02:00:00'::interval))))));
-- Join q1, q2 on q2.order_id = q1.id and q2.at >= q1.placed_at - CAST('02:00:00' AS interval) and q2.at <= q1.placed_at + CAST('02:00:00' AS interval): q1.id, q2.kind
--   Get public.orders
--   Get public.events

-- title: a self join
SELECT a.id,
    b.id AS other
   FROM (public.orders a
     JOIN public.orders b ON (((a.customer_id = b.customer_id) AND (a.id < b.id))));
-- Join q1, q2 on q1.customer_id = q2.customer_id and q1.id < q2.id: q1.id, q2.id as other
--   Get public.orders
--   Get public.orders

-- title: cross join
SELECT o.id,
    c.id AS customer
   FROM (public.orders o
     CROSS JOIN public.customers c);
-- Join q1, q2: q1.id, q2.id as customer
--   Get public.orders
--   Get public.customers

-- title: a join with an alias
SELECT j.name,
    j.amount
   FROM (public.orders o
     JOIN public.customers c(buyer, name, city) ON ((o.customer_id = c.buyer))) j;
-- Join q1, q2 on q1.customer_id = q2.id: q2.name, q1.amount
--   Get public.orders
--   Get public.customers

-- title: a join of a subquery that filters
SELECT c.name,
    big.amount
   FROM (public.customers c
     JOIN ( SELECT orders.customer_id,
            orders.amount
           FROM public.orders
          WHERE (orders.amount > (100)::numeric)) big ON ((big.customer_id = c.id)));
-- Join q1, q3 on q3.customer_id = q1.id: q1.name, q3.amount
--   Get public.customers
--   Filter q2 on q2.amount > CAST(100 AS numeric): q2.customer_id, q2.amount
--     Get public.orders
