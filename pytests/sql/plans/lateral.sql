-- LATERAL and correlated subqueries.

-- title: a lateral subquery without a reference to the row
SELECT o.id,
    s.n
   FROM (public.orders o
     CROSS JOIN LATERAL ( SELECT count(*) AS n
           FROM public.refunds) s);
-- Join q1, q4: q1.id, q4.n
--   Get public.orders
--   Map q3: q3.count as n
--     Aggregate by (): count(*) as count
--       Get public.refunds

-- title: refused: a lateral subquery that reads the row
SELECT c.name,
    s.amount
   FROM (public.customers c
     CROSS JOIN LATERAL ( SELECT o.amount
           FROM public.orders o
          WHERE (o.customer_id = c.id)
          ORDER BY o.amount DESC
         LIMIT 3) s);
-- error: a correlated reference to "c.id" is not supported here
