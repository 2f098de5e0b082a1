-- EXISTS, IN and their negations: semi and anti joins.

-- title: exists
SELECT id
   FROM public.orders o
  WHERE (EXISTS ( SELECT 1
           FROM public.events e
          WHERE (e.order_id = o.id)));
-- Map q4: q4.id
--   Semi join q1, q3 on q3.order_id = q1.id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body
--     Get public.orders
--     Map q2: q2.order_id
--       Get public.events

-- title: not exists
SELECT id
   FROM public.orders o
  WHERE (NOT (EXISTS ( SELECT 1
           FROM public.events e
          WHERE ((e.order_id = o.id) AND (e.kind = 'delivered'::text)))));
-- Map q4: q4.id
--   Anti join q1, q3 on q3.order_id = q1.id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body
--     Get public.orders
--     Filter q2 on q2.kind = CAST('delivered' AS text): q2.order_id
--       Get public.events

-- title: in
SELECT id
   FROM public.orders
  WHERE (customer_id IN ( SELECT customers.id
           FROM public.customers
          WHERE (customers.city = 'Oslo'::text)));
-- Map q5: q5.id
--   Semi join q1, q4 on q1.customer_id = q4.value: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body
--     Get public.orders
--     Filter q3 on q3.city = CAST('Oslo' AS text): q3.id as value
--       Get public.customers

-- title: a pair in a subquery
SELECT id
   FROM public.orders
  WHERE ((id, amount) IN ( SELECT refunds.id,
            refunds.amount
           FROM public.refunds));
-- Map q6: q6.id
--   Semi join q1, q5 on q1.id = q5.value and q1.amount = q5.value_2: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body
--     Get public.orders
--     Map q4: q4.id as value, q4.amount as value_2
--       Get public.refunds

-- title: in over a grouped subquery
SELECT name
   FROM public.customers
  WHERE (id IN ( SELECT orders.customer_id
           FROM public.orders
          GROUP BY orders.customer_id
         HAVING (sum(orders.amount) > (100)::numeric)));
-- Map q6: q6.name
--   Semi join q1, q5 on q1.id = q5.customer_id: q1.id, q1.name, q1.city
--     Get public.customers
--     Filter q4 on q4.sum > CAST(100 AS numeric): q4.customer_id
--       Aggregate by (q3.customer_id): sum(q3.amount) as sum
--         Get public.orders

-- title: exists beside plain conditions
SELECT id
   FROM public.orders o
  WHERE ((amount > (5)::numeric) AND (EXISTS ( SELECT 1
           FROM public.events e
          WHERE ((e.order_id = o.id) AND (e.at > o.placed_at)))));
-- Map q5: q5.id
--   Semi join q4, q3 on q3.order_id = q4.id and q3.at > q4.placed_at: q4.id, q4.placed_at
--     Filter q1 on q1.amount > CAST(5 AS numeric): q1.id, q1.placed_at
--       Get public.orders
--     Map q2: q2.at, q2.order_id
--       Get public.events

-- title: exists in exists
SELECT name
   FROM public.customers c
  WHERE (EXISTS ( SELECT 1
           FROM public.orders o
          WHERE ((o.customer_id = c.id) AND (EXISTS ( SELECT 1
                   FROM public.events e
                  WHERE (e.order_id = o.id))))));
-- Map q7: q7.name
--   Semi join q1, q6 on q6.customer_id = q1.id: q1.id, q1.name, q1.city
--     Get public.customers
--     Map q5: q5.customer_id
--       Semi join q2, q4 on q4.order_id = q2.id: q2.id, q2.customer_id, q2.amount, q2.placed_at, q2.tags, q2.body
--         Get public.orders
--         Map q3: q3.order_id
--           Get public.events

-- title: two subqueries in one level
SELECT id
   FROM public.orders o
  WHERE ((EXISTS ( SELECT 1
           FROM public.events e
          WHERE (e.order_id = o.id))) AND (NOT (EXISTS ( SELECT 1
           FROM public.refunds r
          WHERE (r.id = o.id)))));
-- Map q7: q7.id
--   Anti join q4, q6 on q6.id = q4.id: q4.id, q4.customer_id, q4.amount, q4.placed_at, q4.tags, q4.body
--     Semi join q1, q3 on q3.order_id = q1.id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body
--       Get public.orders
--       Map q2: q2.order_id
--         Get public.events
--     Map q5: q5.id
--       Get public.refunds

-- title: not in
SELECT id
   FROM public.orders
  WHERE (NOT (customer_id IN ( SELECT customers.id
           FROM public.customers)));
-- Map q14: q14.id
--   Anti join q9, q13 on q13."?column?" = (q9.customer_id IS NULL): q9.id, q9.customer_id, q9.amount, q9.placed_at, q9.tags, q9.body
--     Anti join q5, q8 on : q5.id, q5.customer_id, q5.amount, q5.placed_at, q5.tags, q5.body
--       Anti join q1, q4 on q1.customer_id = q4.value: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body
--         Get public.orders
--         Map q3: q3.id as value
--           Get public.customers
--       Filter q7 on q7.id IS NULL: 1 as one
--         Map q6: q6.id
--           Get public.customers
--     Map q12: q12."?column?" as ?column?
--       Distinct
--         Map q11: TRUE as ?column?
--           Map q10: q10.id
--             Get public.customers

-- title: a subquery inside a larger condition
SELECT id
   FROM public.orders o
  WHERE ((amount > (5)::numeric) OR (EXISTS ( SELECT 1
           FROM public.events e
          WHERE (e.order_id = o.id))));
-- Filter q6 on q6.amount > CAST(5 AS numeric) OR q6.there IS NOT NULL: q6.id
--   Left join q1, q5 on q1.id = q5.key: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q5.there
--     Get public.orders
--     Distinct
--       Map q4: CAST(TRUE AS boolean) as there, q4.of_order_id as key
--         Map q3: 1 as one, q3.order_id as of_order_id
--           Get public.events

-- title: a scalar subquery in a condition
SELECT id
   FROM public.orders
  WHERE (amount > ( SELECT avg(orders_1.amount) AS avg
           FROM public.orders orders_1));
-- Join q1, q4 on q1.amount > q4.avg: q1.id
--   Get public.orders
--   Map q3: q3.avg
--     Aggregate by (): avg(q2.amount) as avg
--       Get public.orders

-- title: a subquery in the condition of a join
SELECT o.id
   FROM (public.orders o
     JOIN public.customers c ON (((c.id = o.customer_id) AND (o.amount > ( SELECT avg(refunds.amount) AS avg
           FROM public.refunds)))));
-- Join q1, q2, q5 on q2.id = q1.customer_id and q1.amount > q5.avg: q1.id
--   Get public.orders
--   Get public.customers
--   Map q4: q4.avg
--     Aggregate by (): avg(q3.amount) as avg
--       Get public.refunds

-- title: a subquery in having
SELECT customer_id
   FROM public.orders
  GROUP BY customer_id
 HAVING (count(*) > ( SELECT count(*) AS count
           FROM public.refunds));
-- Join q2, q5 on q2.count > q5.count: q2.customer_id
--   Aggregate by (q1.customer_id): count(*) as count
--     Get public.orders
--   Map q4: q4.count
--     Aggregate by (): count(*) as count
--       Get public.refunds

-- title: a subquery in values
VALUES (( SELECT count(*) AS count
           FROM public.refunds));
-- Union
--   Map q3: q3.count as column1
--     Map q2: q2.count
--       Aggregate by (): count(*) as count
--         Get public.refunds

-- title: an uncorrelated subquery in the select list
SELECT id,
    ( SELECT max(events.at) AS max
           FROM public.events) AS latest
   FROM public.orders;
-- Join q1, q4: q1.id, q4.max as latest
--   Get public.orders
--   Map q3: q3.max
--     Aggregate by (): max(q2.at) as max
--       Get public.events

-- title: a correlated subquery in the select list
SELECT id,
    ( SELECT max(e.at) AS max
           FROM public.events e
          WHERE (e.order_id = o.id)) AS last
   FROM public.orders o;
-- Map q5: q5.id, q5.max as last
--   Left join q1, q4 on q1.id = q4.order_id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q4.max
--     Get public.orders
--     Aggregate by (q3.order_id): max(q3.at) as max
--       Get public.events
