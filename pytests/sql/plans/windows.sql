-- Window functions: recomputed for the touched partitions.

-- title: row number
SELECT id,
    row_number() OVER (PARTITION BY customer_id ORDER BY placed_at) AS nth
   FROM public.orders;
-- Map q2: q2.id, q2.nth
--   Window by (q1.customer_id): select q1.id as "id", row_number() OVER (PARTITION BY q1.customer_id ORDER BY q1.placed_at) as "nth", q1.customer_id as "key" from {input} as "q1"
--     Get public.orders

-- title: several functions over one partition
SELECT id,
    rank() OVER (PARTITION BY customer_id ORDER BY amount DESC) AS rank,
    lag(amount) OVER (PARTITION BY customer_id ORDER BY placed_at) AS lag
   FROM public.orders;
-- Map q2: q2.id, q2.rank, q2.lag
--   Window by (q1.customer_id): select q1.id as "id", rank() OVER (PARTITION BY q1.customer_id ORDER BY q1.amount DESC) as "rank", lag(q1.amount) OVER (PARTITION BY q1.customer_id ORDER BY q1.placed_at) as "lag", q1.customer_id as "key" from {input} as "q1"
--     Get public.orders

-- title: partitions that differ share what they have in common
SELECT id,
    sum(amount) OVER (PARTITION BY customer_id, placed_at) AS a,
    sum(amount) OVER (PARTITION BY customer_id) AS b
   FROM public.orders;
-- Map q2: q2.id, q2.a, q2.b
--   Window by (q1.customer_id): select q1.id as "id", sum(q1.amount) OVER (PARTITION BY q1.customer_id, q1.placed_at) as "a", sum(q1.amount) OVER (PARTITION BY q1.customer_id) as "b", q1.customer_id as "key" from {input} as "q1"
--     Get public.orders

-- title: without a partition everything is one
SELECT id,
    row_number() OVER (ORDER BY placed_at) AS nth
   FROM public.orders;
-- Window by (): select q1.id as "id", row_number() OVER (ORDER BY q1.placed_at) as "nth" from {input} as "q1"
--   Get public.orders

-- title: the first three of each: a filter above the window
SELECT id
   FROM ( SELECT orders.id,
            row_number() OVER (PARTITION BY orders.customer_id ORDER BY orders.amount DESC) AS nth
           FROM public.orders) s
  WHERE (nth <= 3);
-- Filter q3 on q3.nth <= 3: q3.id
--   Map q2: q2.id, q2.nth
--     Window by (q1.customer_id): select q1.id as "id", row_number() OVER (PARTITION BY q1.customer_id ORDER BY q1.amount DESC) as "nth", q1.customer_id as "key" from {input} as "q1"
--       Get public.orders

-- title: over groups
SELECT customer_id,
    sum(amount) AS total,
    rank() OVER (ORDER BY (sum(amount)) DESC) AS place
   FROM public.orders
  GROUP BY customer_id;
-- Window by (): select q2.customer_id as "customer_id", q2.sum as "total", rank() OVER (ORDER BY q2.sum DESC) as "place" from {input} as "q2"
--   Aggregate by (q1.customer_id): sum(q1.amount) as sum
--     Get public.orders

-- title: with a limit
SELECT id,
    row_number() OVER (ORDER BY id) AS row_number
   FROM public.orders
 LIMIT 3;
-- Top k by (): select q2.id as "id", q2.row_number as "row_number" from {input} as "q2" order by q2.id, q2.row_number limit 3
--   Window by (): select q1.id as "id", row_number() OVER (ORDER BY q1.id) as "row_number" from {input} as "q1"
--     Get public.orders

-- title: with distinct
SELECT DISTINCT customer_id,
    count(*) OVER (PARTITION BY customer_id) AS count
   FROM public.orders;
-- Distinct
--   Map q3: q3.customer_id, q3.count
--     Map q2: q2.customer_id, q2.count
--       Window by (q1.customer_id): select q1.customer_id as "customer_id", count(*) OVER (PARTITION BY q1.customer_id) as "count", q1.customer_id as "key" from {input} as "q1"
--         Get public.orders
