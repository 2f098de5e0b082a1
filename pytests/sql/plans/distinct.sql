-- DISTINCT and DISTINCT ON.

-- title: distinct rows
SELECT DISTINCT customer_id,
    amount
   FROM public.orders;
-- Distinct
--   Map q1: q1.customer_id, q1.amount
--     Get public.orders

-- title: distinct of a group
SELECT DISTINCT count(*) AS count
   FROM public.orders
  GROUP BY customer_id;
-- Distinct
--   Map q2: q2.count
--     Aggregate by (q1.customer_id): count(*) as count
--       Get public.orders

-- title: distinct over a join
SELECT DISTINCT c.city
   FROM (public.customers c
     JOIN public.orders o ON ((o.customer_id = c.id)));
-- Distinct
--   Join q1, q2 on q2.customer_id = q1.id: q1.city
--     Get public.customers
--     Get public.orders

-- title: distinct on
SELECT DISTINCT ON (order_id) order_id,
    kind,
    at
   FROM public.events
  ORDER BY order_id, at DESC NULLS LAST;
-- Map q3: q3.order_id, q3.kind, q3.at
--   First of each (order_id) by q2.at DESC NULLS LAST, q2.order_id, q2.kind, q2.at
--     Map q1: q1.order_id, q1.kind, q1.at
--       Get public.events

-- title: distinct on several keys, one of them computed
SELECT DISTINCT ON (order_id, (date_trunc('day'::text, at))) order_id,
    kind,
    at
   FROM public.events
  ORDER BY order_id, (date_trunc('day'::text, at)), at;
-- Map q3: q3.order_id, q3.kind, q3.at
--   First of each (order_id, date_trunc) by q2.at, q2.order_id, q2.kind, q2.at
--     Map q1: q1.order_id, q1.kind, q1.at, date_trunc(CAST('day' AS text), q1.at) as date_trunc
--       Get public.events

-- title: distinct on without an order is decided by the row itself
SELECT DISTINCT ON (customer_id) customer_id,
    amount
   FROM public.orders;
-- Map q3: q3.customer_id, q3.amount
--   First of each (customer_id) by q2.customer_id, q2.amount
--     Map q1: q1.customer_id, q1.amount
--       Get public.orders

-- title: distinct on over a filter
SELECT DISTINCT ON (order_id) order_id,
    kind
   FROM public.events
  WHERE (kind <> 'test'::text)
  ORDER BY order_id, at;
-- Map q3: q3.order_id, q3.kind
--   First of each (order_id) by q2.at, q2.order_id, q2.kind
--     Filter q1 on q1.kind <> CAST('test' AS text): q1.order_id, q1.kind, q1.at
--       Get public.events

-- title: distinct on over groups
SELECT DISTINCT ON (c.city) c.city,
    c.name,
    count(*) AS orders
   FROM (public.customers c
     JOIN public.orders o ON ((o.customer_id = c.id)))
  GROUP BY c.city, c.name
  ORDER BY c.city, (count(*)) DESC;
-- Map q6: q6.city, q6.name, q6.count as orders
--   First of each (city) by q5.count DESC, q5.city, q5.name, q5.count
--     Map q4: q4.city, q4.name, q4.count
--       Aggregate by (q3.city, q3.name): count(*) as count
--         Join q1, q2 on q2.customer_id = q1.id: q1.city, q1.name
--           Get public.customers
--           Get public.orders

-- title: distinct on with a limit
SELECT DISTINCT ON (order_id) order_id,
    kind
   FROM public.events
  ORDER BY order_id, at
 LIMIT 3;
-- Top k by (): select q4.order_id as "order_id", q4.kind as "kind" from {input} as "q4" order by q4.order_id, q4.sort, q4.order_id, q4.kind limit 3
--   Map q3: q3.order_id, q3.kind, q3.at as sort
--     First of each (order_id) by q2.at, q2.order_id, q2.kind, q2.at
--       Map q1: q1.order_id, q1.kind, q1.at
--         Get public.events
