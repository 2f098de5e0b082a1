-- ORDER BY with LIMIT: all rows are one key; the whole result breaks ties.

-- title: order and limit
SELECT id,
    amount
   FROM public.orders
  ORDER BY amount DESC
 LIMIT 3;
-- Top k by (): select q1.id as "id", q1.amount as "amount" from {input} as "q1" order by q1.amount DESC, q1.id, q1.amount limit 3
--   Get public.orders

-- title: limit and offset
SELECT id
   FROM public.orders
  ORDER BY id
 OFFSET 2
 LIMIT 3;
-- Top k by (): select q1.id as "id" from {input} as "q1" order by q1.id, q1.id limit 3 offset 2
--   Get public.orders

-- title: limit without an order
SELECT id
   FROM public.orders
 LIMIT 3;
-- Top k by (): select q1.id as "id" from {input} as "q1" order by q1.id limit 3
--   Get public.orders

-- title: order alone means nothing
SELECT id
   FROM public.orders
  ORDER BY amount;
-- Map q1: q1.id
--   Get public.orders

-- title: over groups
SELECT customer_id,
    sum(amount) AS total
   FROM public.orders
  GROUP BY customer_id
  ORDER BY (sum(amount)) DESC
 LIMIT 5;
-- Top k by (): select q2.customer_id as "customer_id", q2.sum as "total" from {input} as "q2" order by q2.sum DESC, q2.customer_id, q2.sum limit 5
--   Aggregate by (q1.customer_id): sum(q1.amount) as sum
--     Get public.orders

-- title: over distinct rows
SELECT DISTINCT customer_id
   FROM public.orders
  ORDER BY customer_id
 LIMIT 5;
-- Top k by (): select q2.customer_id as "customer_id" from {input} as "q2" order by q2.customer_id, q2.customer_id limit 5
--   Distinct
--     Map q1: q1.customer_id
--       Get public.orders

-- title: over a union
SELECT orders.id
   FROM public.orders
UNION ALL
 SELECT refunds.id
   FROM public.refunds
  ORDER BY 1
 LIMIT 5;
-- Top k by (): select q3.id as "id" from {input} as "q3" order by q3.id, q3.id limit 5
--   Union
--     Map q1: q1.id
--       Get public.orders
--     Map q2: q2.id
--       Get public.refunds

-- title: over a temporal filter
SELECT id,
    amount
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) ((placed_at + '01:00:00'::interval))::mz_catalog.mz_timestamp)
  ORDER BY amount DESC
 LIMIT 3;
-- Top k by (): select q2.id as "id", q2.amount as "amount" from {input} as "q2" order by q2.amount DESC, q2.id, q2.amount limit 3
--   Temporal filter until CAST(q1.placed_at + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) + 1
--     Get public.orders

-- title: by an expression that is not shown
SELECT id
   FROM public.orders
  ORDER BY (abs(amount)) DESC
 LIMIT 3;
-- Top k by (): select q1.id as "id" from {input} as "q1" order by abs(q1.amount) DESC, q1.id limit 3
--   Get public.orders

-- title: a limited subquery joined again
SELECT c.name,
    t.amount
   FROM (( SELECT orders.customer_id,
            orders.amount
           FROM public.orders
          ORDER BY orders.amount DESC
         LIMIT 3) t
     JOIN public.customers c ON ((c.id = t.customer_id)));
-- Join q2, q3 on q3.id = q2.customer_id: q3.name, q2.amount
--   Top k by (): select q1.customer_id as "customer_id", q1.amount as "amount" from {input} as "q1" order by q1.amount DESC, q1.customer_id, q1.amount limit 3
--     Get public.orders
--   Get public.customers
