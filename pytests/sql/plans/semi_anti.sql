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
-- Map q4: q4.id
--   Semi join q1, q3 on q1.customer_id = q3.value: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body
--     Get public.orders
--     Filter q2 on q2.city = CAST('Oslo' AS text): q2.id as value
--       Get public.customers

-- title: a pair in a subquery
SELECT id
   FROM public.orders
  WHERE ((id, amount) IN ( SELECT refunds.id,
            refunds.amount
           FROM public.refunds));
-- Map q4: q4.id
--   Semi join q1, q3 on q1.id = q3.value and q1.amount = q3.value_2: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body
--     Get public.orders
--     Map q2: q2.id as value, q2.amount as value_2
--       Get public.refunds

-- title: in over a grouped subquery
SELECT name
   FROM public.customers
  WHERE (id IN ( SELECT orders.customer_id
           FROM public.orders
          GROUP BY orders.customer_id
         HAVING (sum(orders.amount) > (100)::numeric)));
-- Map q5: q5.name
--   Semi join q1, q4 on q1.id = q4.customer_id: q1.id, q1.name, q1.city
--     Get public.customers
--     Filter q3 on q3.sum > CAST(100 AS numeric): q3.customer_id
--       Aggregate by (q2.customer_id): sum(q2.amount) as sum
--         Get public.orders

-- title: exists beside plain conditions
SELECT id
   FROM public.orders o
  WHERE ((amount > (5)::numeric) AND (EXISTS ( SELECT 1
           FROM public.events e
          WHERE ((e.order_id = o.id) AND (e.at > o.placed_at)))));
-- Map q5: q5.id
--   Semi join q4, q3 on q3.order_id = q4.id and q3.at > q4.placed_at: q4.amount, q4.body, q4.customer_id, q4.id, q4.placed_at, q4.tags
--     Filter q1 on q1.amount > CAST(5 AS numeric): q1.amount, q1.body, q1.customer_id, q1.id, q1.placed_at, q1.tags
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

-- title: refused: not in
SELECT id
   FROM public.orders
  WHERE (NOT (customer_id IN ( SELECT customers.id
           FROM public.customers)));
-- error: this form of subquery is not supported in a maintained view: use EXISTS, NOT EXISTS or IN

-- title: refused: a subquery inside a larger condition
SELECT id
   FROM public.orders o
  WHERE ((amount > (5)::numeric) OR (EXISTS ( SELECT 1
           FROM public.events e
          WHERE (e.order_id = o.id))));
-- error: a subquery inside a larger condition is not supported in a maintained view

-- title: refused: a scalar subquery in a condition
SELECT id
   FROM public.orders
  WHERE (amount > ( SELECT avg(orders_1.amount) AS avg
           FROM public.orders orders_1));
-- error: a subquery inside a larger condition is not supported in a maintained view

-- title: refused: a subquery in the condition of a join
SELECT o.id
   FROM (public.orders o
     JOIN public.customers c ON (((c.id = o.customer_id) AND (o.amount > ( SELECT avg(refunds.amount) AS avg
           FROM public.refunds)))));
-- error: a subquery outside WHERE is not supported in a maintained view: use a join

-- title: refused: a subquery in having
SELECT customer_id
   FROM public.orders
  GROUP BY customer_id
 HAVING (count(*) > ( SELECT count(*) AS count
           FROM public.refunds));
-- error: a subquery outside WHERE is not supported in a maintained view: use a join

-- title: refused: a subquery in values
VALUES (( SELECT count(*) AS count
           FROM public.refunds));
-- error: VALUES that read columns or subqueries are not supported in a maintained view

-- title: refused: an uncorrelated subquery in the select list
SELECT id,
    ( SELECT max(events.at) AS max
           FROM public.events) AS latest
   FROM public.orders;
-- error: a subquery outside WHERE is not supported in a maintained view: use a join

-- title: refused: a correlated subquery in the select list
SELECT id,
    ( SELECT max(e.at) AS max
           FROM public.events e
          WHERE (e.order_id = o.id)) AS last
   FROM public.orders o;
-- error: a subquery outside WHERE is not supported in a maintained view: use a join
