-- GROUP BY: accumulating aggregates carry their result; the others recompute touched groups.

-- title: one group over everything
SELECT count(*) AS count,
    sum(amount) AS total
   FROM public.orders;
-- Map q2: q2.count, q2.sum as total
--   Aggregate by (): count(*) as count, sum(q1.amount) as sum
--     Get public.orders

-- title: keys and aggregates
SELECT customer_id,
    count(*) AS orders,
    avg(amount) AS mean
   FROM public.orders
  GROUP BY customer_id;
-- Map q2: q2.customer_id, q2.count as orders, q2.avg as mean
--   Aggregate by (q1.customer_id): count(*) as count, avg(q1.amount) as avg
--     Get public.orders

-- title: the same call twice is kept once
SELECT customer_id,
    sum(amount) AS total,
    (sum(amount) / (2)::numeric) AS half
   FROM public.orders
  GROUP BY customer_id;
-- Map q2: q2.customer_id, q2.sum as total, q2.sum / CAST(2 AS numeric) as half
--   Aggregate by (q1.customer_id): sum(q1.amount) as sum
--     Get public.orders

-- title: a computed key
SELECT date_trunc('hour'::text, placed_at) AS hour,
    count(*) AS count
   FROM public.orders
  GROUP BY (date_trunc('hour'::text, placed_at));
-- Map q2: q2.date_trunc as hour, q2.count
--   Aggregate by (date_trunc(CAST('hour' AS text), q1.placed_at)): count(*) as count
--     Get public.orders

-- title: filter and distinct
SELECT count(*) FILTER (WHERE (amount > (10)::numeric)) AS large,
    count(DISTINCT customer_id) AS buyers
   FROM public.orders;
-- Map q2: q2.count as large, q2.count_2 as buyers
--   Aggregate by (): count(*) FILTER (WHERE q1.amount > CAST(10 AS numeric)) as count, count(DISTINCT q1.customer_id) as count_2
--     Get public.orders

-- title: min and max
SELECT customer_id,
    min(amount) AS "least",
    max(amount) AS most
   FROM public.orders
  GROUP BY customer_id;
-- Map q2: q2.customer_id, q2.min as least, q2.max as most
--   Aggregate by (q1.customer_id): min(q1.amount) as min, max(q1.amount) as max
--     Get public.orders

-- title: having
SELECT customer_id
   FROM public.orders
  GROUP BY customer_id
 HAVING (count(*) > 3);
-- Filter q2 on q2.count > 3: q2.customer_id
--   Aggregate by (q1.customer_id): count(*) as count
--     Get public.orders

-- title: a group over a join
SELECT c.city,
    sum(o.amount) AS total
   FROM (public.orders o
     JOIN public.customers c ON ((c.id = o.customer_id)))
  GROUP BY c.city;
-- Map q4: q4.city, q4.sum as total
--   Aggregate by (q3.city): sum(q3.amount) as sum
--     Join q1, q2 on q2.id = q1.customer_id: q1.amount, q2.city
--       Get public.orders
--       Get public.customers

-- title: groups of groups
SELECT orders,
    count(*) AS count
   FROM ( SELECT orders.customer_id,
            count(*) AS orders
           FROM public.orders
          GROUP BY orders.customer_id) per
  GROUP BY orders;
-- Map q4: q4.orders, q4.count
--   Aggregate by (q3.orders): count(*) as count
--     Map q2: q2.customer_id, q2.count as orders
--       Aggregate by (q1.customer_id): count(*) as count
--         Get public.orders

-- title: grouping alone
SELECT customer_id
   FROM public.orders
  GROUP BY customer_id;
-- Map q2: q2.customer_id
--   Aggregate by (q1.customer_id)
--     Get public.orders

-- title: an ordered aggregate recomputes its group
SELECT customer_id,
    string_agg((body ->> 'item'::text), ', '::text ORDER BY id) AS items
   FROM public.orders
  GROUP BY customer_id;
-- Map q2: q2.customer_id, q2.string_agg as items
--   Aggregate per group by (q1.customer_id): select q1.customer_id as "customer_id", string_agg(q1.body ->> CAST('item' AS text), CAST(', ' AS text) ORDER BY q1.id) as "string_agg" from {input} as "q1" group by q1.customer_id
--     Get public.orders

-- title: one aggregate that cannot be added up makes the whole group recompute
SELECT customer_id,
    count(*) AS count,
    stddev(amount) AS stddev
   FROM public.orders
  GROUP BY customer_id;
-- Map q2: q2.customer_id, q2.count, q2.stddev
--   Aggregate per group by (q1.customer_id): select q1.customer_id as "customer_id", count(*) as "count", stddev(q1.amount) as "stddev" from {input} as "q1" group by q1.customer_id
--     Get public.orders

-- title: bool_and and bool_or
SELECT customer_id,
    bool_and((amount > (0)::numeric)) AS paid,
    bool_or((amount > (100)::numeric)) AS large
   FROM public.orders
  GROUP BY customer_id;
-- Map q2: q2.customer_id, q2.bool_and as paid, q2.bool_or as large
--   Aggregate by (q1.customer_id): bool_and(q1.amount > CAST(0 AS numeric)) as bool_and, bool_or(q1.amount > CAST(100 AS numeric)) as bool_or
--     Get public.orders
