-- WITH: lowered once, read wherever they are named.

-- title: one CTE
WITH large AS (
         SELECT orders.id,
            orders.amount
           FROM public.orders
          WHERE (orders.amount > (100)::numeric)
        )
 SELECT id
   FROM large
  WHERE (id > 3);
-- Filter q2 on q2.id > 3: q2.id
--   Filter q1 on q1.amount > CAST(100 AS numeric): q1.id, q1.amount
--     Get public.orders

-- title: a CTE read twice
WITH large AS (
         SELECT orders.id,
            orders.customer_id,
            orders.amount
           FROM public.orders
          WHERE (orders.amount > (100)::numeric)
        )
 SELECT a.id,
    b.id AS other
   FROM (large a
     JOIN large b ON ((a.customer_id = b.customer_id)));
-- Join q2, q3 on q2.customer_id = q3.customer_id: q2.id, q3.id as other
--   Filter q1 on q1.amount > CAST(100 AS numeric): q1.id, q1.customer_id, q1.amount
--     Get public.orders
--   Filter q1 on q1.amount > CAST(100 AS numeric): q1.id, q1.customer_id, q1.amount
--     Get public.orders

-- title: a CTE over another
WITH named AS (
         SELECT o.id,
            c.name
           FROM (public.orders o
             JOIN public.customers c ON ((c.id = o.customer_id)))
        ), counted AS (
         SELECT named.name,
            count(*) AS orders
           FROM named
          GROUP BY named.name
        )
 SELECT name,
    orders
   FROM counted;
-- Map q5: q5.name, q5.orders
--   Map q4: q4.name, q4.count as orders
--     Aggregate by (q3.name): count(*) as count
--       Join q1, q2 on q2.id = q1.customer_id: q1.id, q2.name
--         Get public.orders
--         Get public.customers

-- title: renamed columns
WITH totals(buyer, total) AS (
         SELECT orders.customer_id,
            sum(orders.amount) AS sum
           FROM public.orders
          GROUP BY orders.customer_id
        )
 SELECT buyer
   FROM totals
  WHERE (total > (5)::numeric);
-- Filter q4 on q4.total > CAST(5 AS numeric): q4.buyer
--   Map q3: q3.customer_id as buyer, q3.sum as total
--     Map q2: q2.customer_id, q2.sum
--       Aggregate by (q1.customer_id): sum(q1.amount) as sum
--         Get public.orders

-- title: a CTE hides a relation of the same name
WITH customers AS (
         SELECT orders.id,
            'x'::text AS name
           FROM public.orders
        )
 SELECT name
   FROM customers;
-- Map q2: q2.name
--   Map q1: q1.id, CAST('x' AS text) as name
--     Get public.orders

-- title: a CTE inside a subquery
SELECT id
   FROM ( WITH large AS (
                 SELECT orders.id
                   FROM public.orders
                  WHERE (orders.amount > (100)::numeric)
                )
         SELECT large.id
           FROM large) s;
-- Map q3: q3.id
--   Map q2: q2.id
--     Filter q1 on q1.amount > CAST(100 AS numeric): q1.id
--       Get public.orders

-- title: a CTE in a union
WITH ids AS (
         SELECT orders.id
           FROM public.orders
        )
 SELECT ids.id
   FROM ids
UNION ALL
 SELECT ids.id
   FROM ids;
-- Union
--   Map q2: q2.id
--     Map q1: q1.id
--       Get public.orders
--   Map q3: q3.id
--     Map q1: q1.id
--       Get public.orders

-- title: refused: recursive
WITH RECURSIVE r(n) AS (
         SELECT 1 AS "?column?"
        UNION ALL
         SELECT (r_1.n + 1)
           FROM r r_1
          WHERE (r_1.n < 3)
        )
 SELECT n
   FROM r;
-- error: WITH RECURSIVE is not supported; Materialize has WITH MUTUALLY RECURSIVE
