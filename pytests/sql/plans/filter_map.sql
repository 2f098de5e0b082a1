-- Filters and projections: one input, nothing kept.

-- title: columns only
SELECT id,
    amount
   FROM public.orders;
-- Map q1: q1.id, q1.amount
--   Get public.orders

-- title: computed columns keep their names
SELECT id,
    (amount * (2)::numeric) AS doubled,
    upper((body ->> 'city'::text)) AS upper
   FROM public.orders;
-- Map q1: q1.id, q1.amount * CAST(2 AS numeric) as doubled, upper(q1.body ->> CAST('city' AS text)) as upper
--   Get public.orders

-- title: a filter of several conditions
SELECT id
   FROM public.orders
  WHERE ((amount > (10)::numeric) AND (customer_id IS NOT NULL) AND (body ? 'city'::text));
-- Filter q1 on q1.amount > CAST(10 AS numeric) and q1.customer_id IS NOT NULL and q1.body ? CAST('city' AS text): q1.id
--   Get public.orders

-- title: a disjunction stays one condition
SELECT id
   FROM public.orders
  WHERE ((amount > (10)::numeric) OR (amount IS NULL));
-- Filter q1 on q1.amount > CAST(10 AS numeric) OR q1.amount IS NULL: q1.id
--   Get public.orders

-- title: a column under an alias of the relation
SELECT id,
    amount
   FROM public.orders o(id, buyer, amount, placed_at, tags, body)
  WHERE (buyer = 3);
-- Filter q1 on q1.customer_id = 3: q1.id, q1.amount
--   Get public.orders

-- title: a subquery in FROM is a stage of its own
SELECT twice
   FROM ( SELECT (orders.amount * (2)::numeric) AS twice
           FROM public.orders) s
  WHERE (twice > (5)::numeric);
-- Filter q2 on q2.twice > CAST(5 AS numeric): q2.twice
--   Map q1: q1.amount * CAST(2 AS numeric) as twice
--     Get public.orders

-- title: a constant row
SELECT 1 AS one,
    'a'::text AS letter;
-- Constant select 1 as "one", CAST('a' AS text) as "letter"

-- title: a constant row with a condition
SELECT 1 AS one
  WHERE (2 > 1);
-- Filter q1 on 2 > 1: 1 as one
--   Constant select 1 as one

-- title: values
VALUES (1,'a'::text), (2,'b'::text);
-- Constant select * from (values (1, CAST('a' AS text)), (2, CAST('b' AS text))) as v ("column1", "column2")

-- title: the same column twice under two names
SELECT id AS a,
    id AS b
   FROM public.orders;
-- Map q1: q1.id as a, q1.id as b
--   Get public.orders
