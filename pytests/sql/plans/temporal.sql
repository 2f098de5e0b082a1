-- Temporal filters: mz_now() compared with an expression of the row, as an interval [from, until) in ms.

-- title: valid until
SELECT id
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) ((placed_at + '01:00:00'::interval))::mz_catalog.mz_timestamp);
-- Temporal filter until q2.until + 1
--   Map q1: q1.id, CAST(q1.placed_at + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) as until
--     Get public.orders

-- title: strictly before
SELECT id
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.<) ((placed_at + '01:00:00'::interval))::mz_catalog.mz_timestamp);
-- Temporal filter until q2.until + 0
--   Map q1: q1.id, CAST(q1.placed_at + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) as until
--     Get public.orders

-- title: valid from
SELECT id
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.>=) ((placed_at + '00:30:00'::interval))::mz_catalog.mz_timestamp);
-- Temporal filter from q2."from" + 0
--   Map q1: q1.id, CAST(q1.placed_at + CAST('00:30:00' AS interval) AS mz_catalog.mz_timestamp) as from
--     Get public.orders

-- title: strictly after
SELECT id
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.>) (placed_at)::mz_catalog.mz_timestamp);
-- Temporal filter from q2."from" + 1
--   Map q1: q1.id, CAST(q1.placed_at AS mz_catalog.mz_timestamp) as from
--     Get public.orders

-- title: the clock on the right side is mirrored
SELECT id
   FROM public.orders
  WHERE (((placed_at + '01:00:00'::interval))::mz_catalog.mz_timestamp OPERATOR(mz_catalog.>=) mz_catalog.mz_now());
-- Temporal filter until q2.until + 1
--   Map q1: q1.id, CAST(q1.placed_at + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) as until
--     Get public.orders

-- title: a window of time
SELECT id
   FROM public.orders
  WHERE ((mz_catalog.mz_now() OPERATOR(mz_catalog.>=) (placed_at)::mz_catalog.mz_timestamp) AND (mz_catalog.mz_now() OPERATOR(mz_catalog.<) ((placed_at + '1 day'::interval))::mz_catalog.mz_timestamp));
-- Temporal filter from q2."from" + 0, until q2.until + 0
--   Map q1: q1.id, CAST(q1.placed_at AS mz_catalog.mz_timestamp) as from, CAST(q1.placed_at + CAST('1 day' AS interval) AS mz_catalog.mz_timestamp) as until
--     Get public.orders

-- title: between
SELECT id
   FROM public.orders
  WHERE ((mz_catalog.mz_now() OPERATOR(mz_catalog.>=) (placed_at)::mz_catalog.mz_timestamp) AND (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) ((placed_at + '1 day'::interval))::mz_catalog.mz_timestamp));
-- Temporal filter from q2."from" + 0, until q2.until + 1
--   Map q1: q1.id, CAST(q1.placed_at AS mz_catalog.mz_timestamp) as from, CAST(q1.placed_at + CAST('1 day' AS interval) AS mz_catalog.mz_timestamp) as until
--     Get public.orders

-- title: at one moment only
SELECT id
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.=) (placed_at)::mz_catalog.mz_timestamp);
-- Temporal filter from q2."from" + 0, until q2.until + 1
--   Map q1: q1.id, CAST(q1.placed_at AS mz_catalog.mz_timestamp) as from, CAST(q1.placed_at AS mz_catalog.mz_timestamp) as until
--     Get public.orders

-- title: beside plain conditions, which stay below
SELECT id
   FROM public.orders
  WHERE ((amount > (3)::numeric) AND (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) ((placed_at + '01:00:00'::interval))::mz_catalog.mz_timestamp));
-- Temporal filter until q2.until + 1
--   Filter q1 on q1.amount > CAST(3 AS numeric): q1.id, CAST(q1.placed_at + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) as until
--     Get public.orders

-- title: above a join, with bounds from both sides
SELECT o.id,
    e.kind
   FROM (public.orders o
     JOIN public.events e ON ((e.order_id = o.id)))
  WHERE ((mz_catalog.mz_now() OPERATOR(mz_catalog.>=) (o.placed_at)::mz_catalog.mz_timestamp) AND (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) ((e.at + '01:00:00'::interval))::mz_catalog.mz_timestamp));
-- Temporal filter from q3."from" + 0, until q3.until + 1
--   Join q1, q2 on q2.order_id = q1.id: q1.id, q2.kind, CAST(q1.placed_at AS mz_catalog.mz_timestamp) as from, CAST(q2.at + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) as until
--     Get public.orders
--     Get public.events

-- title: in the condition of an inner join
SELECT o.id,
    e.kind
   FROM (public.orders o
     JOIN public.events e ON (((e.order_id = o.id) AND (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) ((e.at + '01:00:00'::interval))::mz_catalog.mz_timestamp))));
-- Temporal filter until q3.until + 1
--   Join q1, q2 on q2.order_id = q1.id: q1.id, q2.kind, CAST(q2.at + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) as until
--     Get public.orders
--     Get public.events

-- title: above a left join
SELECT o.id
   FROM (public.orders o
     LEFT JOIN public.events e ON ((e.order_id = o.id)))
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.>=) ((COALESCE(e.at, o.placed_at) + '01:00:00'::interval))::mz_catalog.mz_timestamp);
-- Temporal filter from q4."from" + 0
--   Map q3: q3.id, CAST(COALESCE(q3.at, q3.placed_at) + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) as from
--     Left join q1, q2 on q2.order_id = q1.id: q1.id, q1.customer_id, q1.amount, q1.placed_at, q1.tags, q1.body, q2.order_id, q2.kind, q2.at
--       Get public.orders
--       Get public.events

-- title: below an aggregate
SELECT customer_id,
    count(*) AS count
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) ((placed_at + '01:00:00'::interval))::mz_catalog.mz_timestamp)
  GROUP BY customer_id;
-- Map q3: q3.customer_id, q3.count
--   Aggregate by (q2.customer_id): count(*) as count
--     Temporal filter until CAST(q1.placed_at + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) + 1
--       Get public.orders

-- title: in having, over the group
SELECT customer_id,
    max(placed_at) AS latest
   FROM public.orders
  GROUP BY customer_id
 HAVING (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) ((max(placed_at) + '01:00:00'::interval))::mz_catalog.mz_timestamp);
-- Map q3: q3.customer_id, q3.max as latest
--   Temporal filter until CAST(q2.max + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) + 1
--     Aggregate by (q1.customer_id): max(q1.placed_at) as max
--       Get public.orders

-- title: below distinct on
SELECT DISTINCT ON (order_id) order_id,
    kind
   FROM public.events
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) ((at + '01:00:00'::interval))::mz_catalog.mz_timestamp)
  ORDER BY order_id, at DESC;
-- Map q4: q4.order_id, q4.kind
--   First of each (order_id) by q3.at DESC, q3.order_id, q3.kind
--     Map q2: q2.order_id, q2.kind, q2.at
--       Temporal filter until CAST(q1.at + CAST('01:00:00' AS interval) AS mz_catalog.mz_timestamp) + 1
--         Get public.events

-- title: in an arm of a union
SELECT orders.id
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) (orders.placed_at)::mz_catalog.mz_timestamp)
UNION ALL
 SELECT refunds.id
   FROM public.refunds;
-- Union
--   Temporal filter until q2.until + 1
--     Map q1: q1.id, CAST(q1.placed_at AS mz_catalog.mz_timestamp) as until
--       Get public.orders
--   Map q3: q3.id
--     Get public.refunds

-- title: a truncated moment
SELECT id
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.<=) ((date_bin('00:10:00'::interval, placed_at, '2000-01-01 00:00:00'::timestamp without time zone) + '1 day'::interval))::mz_catalog.mz_timestamp);
-- Temporal filter until q2.until + 1
--   Map q1: q1.id, CAST(date_bin(CAST('00:10:00' AS interval), q1.placed_at, CAST('2000-01-01 00:00:00' AS timestamp)) + CAST('1 day' AS interval) AS mz_catalog.mz_timestamp) as until
--     Get public.orders

-- title: refused: in a disjunction
SELECT id
   FROM public.orders
  WHERE ((mz_catalog.mz_now() OPERATOR(mz_catalog.<=) (placed_at)::mz_catalog.mz_timestamp) OR (amount > (3)::numeric));
-- error: Unsupported temporal predicate. Note: `mz_now()` must be directly compared to a non-temporal expression of mz_timestamp-castable type. Expression found: mz_catalog.mz_now() OPERATOR(mz_catalog.<=) CAST(q1.placed_at AS mz_catalog.mz_timestamp) OR q1.amount > CAST(3 AS numeric)

-- title: refused: negated
SELECT id
   FROM public.orders
  WHERE (NOT ((mz_catalog.mz_now() OPERATOR(mz_catalog.<=) (placed_at)::mz_catalog.mz_timestamp) AND (amount > (3)::numeric)));
-- error: Unsupported temporal predicate. Note: `mz_now()` must be directly compared to a non-temporal expression of mz_timestamp-castable type. Expression found: NOT(mz_catalog.mz_now() OPERATOR(mz_catalog.<=) CAST(q1.placed_at AS mz_catalog.mz_timestamp) AND q1.amount > CAST(3 AS numeric))

-- title: refused: with an operator that states no bound
SELECT id
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.<>) (placed_at)::mz_catalog.mz_timestamp);
-- error: Unsupported temporal predicate. Note: `mz_now()` must be directly compared to a non-temporal expression of mz_timestamp-castable type. Expression found: mz_catalog.mz_now() OPERATOR(mz_catalog.<>) CAST(q1.placed_at AS mz_catalog.mz_timestamp)

-- title: refused: on both sides
SELECT id
   FROM public.orders
  WHERE (mz_catalog.mz_now() OPERATOR(mz_catalog.<) mz_catalog.mz_now());
-- error: Unsupported temporal predicate. Note: `mz_now()` must be directly compared to a non-temporal expression of mz_timestamp-castable type. Expression found: mz_catalog.mz_now() OPERATOR(mz_catalog.<) mz_catalog.mz_now()

-- title: refused: arithmetic around the clock
SELECT id
   FROM public.orders
  WHERE ((((mz_catalog.mz_now())::text)::numeric - (1000)::numeric) < amount);
-- error: Unsupported temporal predicate. Note: `mz_now()` must be directly compared to a non-temporal expression of mz_timestamp-castable type. Expression found: CAST(CAST(mz_catalog.mz_now() AS text) AS numeric) - CAST(1000 AS numeric) < q1.amount
