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

-- title: a lateral subquery that reads the row
SELECT c.name,
    s.amount
   FROM (public.customers c
     CROSS JOIN LATERAL ( SELECT o.amount
           FROM public.orders o
          WHERE (o.customer_id = c.id)
          ORDER BY o.amount DESC
         LIMIT 3) s);
-- Join q1, q5 on q1.id = q5.of_customer_id: q1.name, q5.amount
--   Get public.customers
--   Map q4: q4.amount, q4.of_customer_id
--     Top k by (q3.customer_id): select "amount", "of_customer_id", "key" from (select q3.amount as "amount", q3.customer_id as "of_customer_id", q3.customer_id as "key", row_number() over (partition by q3.customer_id order by q3.amount DESC, q3.amount, q3.customer_id) as mz_rank, (3) as mz_limit from {input} as "q3") as mz_ranked where mz_rank > 0 and coalesce(mz_rank <= 0 + mz_limit, true)
--       Get public.orders
