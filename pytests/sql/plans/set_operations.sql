-- UNION, EXCEPT and INTERSECT.

-- title: union all
SELECT orders.id,
    orders.amount
   FROM public.orders
UNION ALL
 SELECT refunds.id,
    refunds.amount
   FROM public.refunds;
-- Union
--   Map q1: q1.id, q1.amount
--     Get public.orders
--   Map q2: q2.id, q2.amount
--     Get public.refunds

-- title: union all of three is flat
SELECT orders.id
   FROM public.orders
UNION ALL
 SELECT refunds.id
   FROM public.refunds
UNION ALL
 SELECT customers.id
   FROM public.customers;
-- Union
--   Map q1: q1.id
--     Get public.orders
--   Map q2: q2.id
--     Get public.refunds
--   Map q3: q3.id
--     Get public.customers

-- title: union
SELECT customers.city
   FROM public.customers
UNION
 SELECT refunds.city
   FROM public.refunds;
-- Union
--   Map q1: q1.city
--     Get public.customers
--   Map q2: q2.city
--     Get public.refunds

-- title: except
SELECT orders.id
   FROM public.orders
EXCEPT
 SELECT refunds.id
   FROM public.refunds;
-- Except
--   Map q1: q1.id
--     Get public.orders
--   Map q2: q2.id
--     Get public.refunds

-- title: except all
SELECT orders.id
   FROM public.orders
EXCEPT ALL
 SELECT refunds.id
   FROM public.refunds;
-- Except All
--   Map q1: q1.id
--     Get public.orders
--   Map q2: q2.id
--     Get public.refunds

-- title: intersect
SELECT orders.id
   FROM public.orders
INTERSECT
 SELECT refunds.id
   FROM public.refunds;
-- Intersect
--   Map q1: q1.id
--     Get public.orders
--   Map q2: q2.id
--     Get public.refunds

-- title: intersect all
SELECT orders.id
   FROM public.orders
INTERSECT ALL
 SELECT refunds.id
   FROM public.refunds;
-- Intersect All
--   Map q1: q1.id
--     Get public.orders
--   Map q2: q2.id
--     Get public.refunds

-- title: a union inside an except
(
         SELECT orders.id
           FROM public.orders
        UNION ALL
         SELECT refunds.id
           FROM public.refunds
) EXCEPT
 SELECT customers.id
   FROM public.customers;
-- Except
--   Union
--     Map q1: q1.id
--       Get public.orders
--     Map q2: q2.id
--       Get public.refunds
--   Map q3: q3.id
--     Get public.customers

-- title: the left side names the columns
SELECT orders.id AS number
   FROM public.orders
UNION ALL
 SELECT events.order_id AS number
   FROM public.events;
-- Union
--   Map q1: q1.id as number
--     Get public.orders
--   Map q2: q2.order_id as number
--     Get public.events

-- title: a filter above a union
SELECT id
   FROM ( SELECT orders.id,
            orders.amount
           FROM public.orders
        UNION ALL
         SELECT refunds.id,
            refunds.amount
           FROM public.refunds) u
  WHERE (amount > (3)::numeric);
-- Filter q3 on q3.amount > CAST(3 AS numeric): q3.id
--   Union
--     Map q1: q1.id, q1.amount
--       Get public.orders
--     Map q2: q2.id, q2.amount
--       Get public.refunds
