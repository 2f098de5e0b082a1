-- Functions in FROM and set-returning functions in the select list, evaluated for each row.

-- title: unnest of a column
SELECT o.id,
    t.tag
   FROM (public.orders o
     CROSS JOIN LATERAL unnest(o.tags) t(tag));
-- Map q1 flat map unnest(q1.tags) as "q2" ("tag"): q1.id, q2.tag
--   Get public.orders

-- title: comma
SELECT o.id,
    t.tag
   FROM public.orders o,
    LATERAL unnest(o.tags) t(tag)
  WHERE (t.tag <> ''::text);
-- Filter q1 flat map unnest(q1.tags) as "q2" ("tag") on q2.tag <> CAST('' AS text): q1.id, q2.tag
--   Get public.orders

-- title: jsonb elements
SELECT o.id,
    (e.value ->> 'sku'::text) AS sku
   FROM (public.orders o
     CROSS JOIN LATERAL jsonb_array_elements((o.body -> 'items'::text)) e(value));
-- Map q1 flat map jsonb_array_elements(q1.body -> CAST('items' AS text)) as "q2" ("value"): q1.id, q2.value ->> CAST('sku' AS text) as sku
--   Get public.orders

-- title: with ordinality
SELECT o.id,
    t.tag,
    t.nth
   FROM (public.orders o
     CROSS JOIN LATERAL unnest(o.tags) WITH ORDINALITY t(tag, nth));
-- Map q1 flat map unnest(q1.tags) WITH ORDINALITY as "q2" ("tag", "nth"): q1.id, q2.tag, q2.nth
--   Get public.orders

-- title: left join on true keeps rows without elements
SELECT o.id,
    t.tag
   FROM (public.orders o
     LEFT JOIN LATERAL unnest(o.tags) t(tag) ON (true));
-- Map q1 left flat map unnest(q1.tags) as "q2" ("tag"): q1.id, q2.tag
--   Get public.orders

-- title: in the select list
SELECT id,
    unnest(tags) AS tag
   FROM public.orders;
-- Map q1 flat map unnest(q1.tags) as "q2" ("tag"): q1.id, q2.tag
--   Get public.orders

-- title: two in the select list advance together
SELECT id,
    unnest(tags) AS tag,
    generate_series(1, 2) AS n
   FROM public.orders;
-- Map q1 flat map ROWS FROM (unnest(q1.tags), generate_series(1, 2)) as "q2" ("tag", "n"): q1.id, q2.tag, q2.n
--   Get public.orders

-- title: rows from
SELECT o.id,
    x.tag,
    x.n
   FROM (public.orders o
     CROSS JOIN LATERAL ROWS FROM(unnest(o.tags), generate_series(1, 2)) x(tag, n));
-- Map q1 flat map ROWS FROM (unnest(q1.tags), generate_series(1, 2)) as "q2" ("tag", "n"): q1.id, q2.tag, q2.n
--   Get public.orders

-- title: a function of constants
SELECT n
   FROM generate_series(1, 3) g(n);
-- Map q2 flat map generate_series(1, 3) as "q1" ("n"): q1.n
--   Constant select 1 as one

-- title: a function of another one's column
SELECT o.id,
    k.key
   FROM ((public.orders o
     CROSS JOIN LATERAL jsonb_array_elements(o.body) e(value))
     CROSS JOIN LATERAL jsonb_object_keys(e.value) k(key));
-- Map q1 flat map jsonb_array_elements(q1.body) as "q2" ("value") flat map jsonb_object_keys(q2.value) as "q3" ("key"): q1.id, q3.key
--   Get public.orders

-- title: grouped by an element
SELECT t.tag,
    count(*) AS count
   FROM (public.orders o
     CROSS JOIN LATERAL unnest(o.tags) t(tag))
  GROUP BY t.tag;
-- Map q4: q4.tag, q4.count
--   Aggregate by (q3.tag): count(*) as count
--     Map q1 flat map unnest(q1.tags) as "q2" ("tag"): q2.tag
--       Get public.orders

-- title: a left join with another condition
SELECT o.id,
    t.tag
   FROM (public.orders o
     LEFT JOIN LATERAL unnest(o.tags) t(tag) ON ((t.tag <> ''::text)));
-- Map q1 left flat map unnest(q1.tags) as "q2" ("tag") on (q2.tag <> CAST('' AS text)): q1.id, q2.tag
--   Get public.orders
