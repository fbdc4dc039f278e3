-- Cases of the planner: each SELECT runs federated, with pushdown and without, and on one engine.
-- Tables are written {name}; a line `-- name` begins a case.

-- count only
SELECT count(*) AS n FROM {a}

-- count of two
SELECT count(*) FROM {a}, {c}

-- count in a subquery
SELECT (SELECT count(*) FROM {c}) AS n, id FROM {a}

-- filter
SELECT id, x FROM {a} WHERE x > 1 AND d >= DATE '2024-01-01'

-- filter by text date
SELECT id FROM {a} WHERE d >= '2024-01-01' AND ts < '2024-03-01'

-- folded
SELECT id FROM {a} WHERE d < DATE '2024-01-01' + INTERVAL 1 MONTH AND k = 1 + 1 - 1

-- negative
SELECT id FROM {a} WHERE x < -1 OR x = -(-1.5)

-- in and not in
SELECT id FROM {a} WHERE k IN (1, 3) AND id NOT IN (2, 4)

-- in with null
SELECT id FROM {a} WHERE id NOT IN (2, NULL)

-- is null
SELECT id FROM {a} WHERE k IS NULL OR x IS NOT NULL

-- not
SELECT id FROM {a} WHERE NOT (k = 1 AND x > 0)

-- case
SELECT id FROM {a} WHERE CASE WHEN k = 1 THEN true ELSE x > 2 END

-- boolean column
SELECT id FROM {a} WHERE b

-- text
SELECT id FROM {a} WHERE s = 'abc' OR s LIKE 'a\_b' ESCAPE '\'

-- float
SELECT id FROM {a} WHERE f > 1.0

-- moment against date
SELECT id FROM {a} WHERE ts >= DATE '2024-01-01' AND d <= TIMESTAMP '2024-01-01 12:00:00'

-- null comparison
SELECT id FROM {a} WHERE x = NULL

-- left join, where on right
SELECT a.id, c.y FROM {a} a LEFT JOIN {c} c ON a.k = c.k WHERE c.y > 0

-- left join, where null
SELECT a.id FROM {a} a LEFT JOIN {c} c ON a.id = c.id WHERE c.id IS NULL

-- left join, null or
SELECT a.id, c.y FROM {a} a LEFT JOIN {c} c ON a.id = c.id WHERE c.y IS NULL OR c.y > 2

-- left join, on left
SELECT a.id, c.y FROM {a} a LEFT JOIN {c} c ON a.k = c.k AND a.x > 1

-- left join, on right
SELECT a.id, c.y FROM {a} a LEFT JOIN {c} c ON a.k = c.k AND c.y > 1

-- left join, on right null
SELECT a.id, c.y FROM {a} a LEFT JOIN {c} c ON a.k = c.k AND c.y IS NULL

-- right join
SELECT a.id, c.y FROM {a} a RIGHT JOIN {c} c ON a.k = c.k AND a.x > 1 AND c.y > 1 WHERE c.id > 1

-- right join, where left
SELECT a.id, c.y FROM {a} a RIGHT JOIN {c} c ON a.k = c.k WHERE a.x IS NULL

-- full join
SELECT a.id, c.id AS cid FROM {a} a FULL JOIN {c} c ON a.id = c.id AND a.x > 1 AND c.y > 1

-- full join, where
SELECT a.id, c.id AS cid FROM {a} a FULL JOIN {c} c ON a.id = c.id WHERE a.x > 1

-- full join, where null
SELECT a.id, c.id AS cid FROM {a} a FULL JOIN {c} c ON a.id = c.id WHERE a.id IS NULL

-- three joins
SELECT a.id, c.y, e.v FROM {a} a LEFT JOIN {c} c ON a.k = c.k AND c.y >= 0
RIGHT JOIN {e} e ON e.id = a.id AND a.x > 0 WHERE e.v IS NOT NULL

-- inner after left
SELECT a.id, c.y, e.v FROM {a} a LEFT JOIN {c} c ON a.k = c.k
JOIN {e} e ON e.id = a.id AND c.y IS NULL

-- left after full
SELECT a.id, c.y, e.v FROM {a} a FULL JOIN {c} c ON a.k = c.k
LEFT JOIN {e} e ON e.id = a.id AND e.v > 0 WHERE c.y > 0

-- nested joins
SELECT a.id, c.id AS cid, e.v FROM {a} a LEFT JOIN ({c} c JOIN {e} e ON c.id = e.id)
ON a.id = c.id WHERE a.k = 1

-- comma and join
SELECT a.id, c.y, e.v FROM {a} a, {c} c LEFT JOIN {e} e ON c.id = e.id WHERE a.id = c.id

-- cross join
SELECT a.id, e.v FROM {a} a CROSS JOIN {e} e WHERE a.k = 3 AND e.v > 0

-- using
SELECT id, a.k, c.y FROM {a} a JOIN {c} c USING (id) WHERE id > 1

-- using left
SELECT id, y FROM {a} LEFT JOIN {c} USING (id) WHERE id > 1

-- using full
SELECT id, count(*) AS n FROM {a} FULL JOIN {c} USING (id) GROUP BY id

-- using star
SELECT * FROM {e} JOIN {c} USING (id)

-- using star inside
SELECT v, y FROM (SELECT * FROM {e} LEFT JOIN {c} USING (id)) q WHERE y > 0

-- natural
SELECT v FROM {e} NATURAL JOIN {empty_one}

-- natural left
SELECT id, v, n FROM {e} NATURAL LEFT JOIN {empty_one} WHERE v > 0

-- left join constant
SELECT a.id, s.f FROM {a} a LEFT JOIN (SELECT id, 1 AS f FROM {c} WHERE y > 1) s
ON a.id = s.id

-- left join constant kept
SELECT a.id, coalesce(s.f, 0) AS f FROM {a} a
LEFT JOIN (SELECT id, 1 AS f FROM {c}) s ON a.id = s.id WHERE s.f IS NULL OR s.f = 1

-- exists star
SELECT id FROM {a} WHERE EXISTS (SELECT * FROM {c} WHERE c.k = a.k AND c.y > 0)

-- exists aggregate
SELECT id FROM {a} WHERE EXISTS (SELECT count(*) FROM {c} WHERE c.k = a.k AND c.y > 100)

-- not exists
SELECT id FROM {a} a WHERE NOT EXISTS (SELECT 1 FROM {c} c WHERE c.id = a.id AND c.d IS NOT NULL)

-- in subquery
SELECT id FROM {a} WHERE k IN (SELECT k FROM {c} WHERE y > 0) AND x > 0

-- not in subquery
SELECT id FROM {a} WHERE k NOT IN (SELECT k FROM {c} WHERE k IS NOT NULL AND y < 0)

-- not in with null
SELECT id FROM {a} WHERE k NOT IN (SELECT k FROM {c})

-- correlated scalar
SELECT id, (SELECT max(y) FROM {c} c WHERE c.k = a.k AND a.x > 0) AS m FROM {a} a

-- correlated unqualified
SELECT id FROM {a} WHERE x > (SELECT avg(y) FROM {c} WHERE t IS NOT NULL AND s <> '')

-- any
SELECT id FROM {a} WHERE x > ANY (SELECT y FROM {c})

-- lateral
SELECT a.id, l.y FROM {a} a, LATERAL (SELECT y FROM {c} c WHERE c.k = a.k ORDER BY y LIMIT 1) l

-- left lateral
SELECT a.id, l.y FROM {a} a LEFT JOIN LATERAL
(SELECT max(y) AS y FROM {c} c WHERE c.k = a.k) l ON true WHERE a.x > 0

-- cte once
WITH q AS (SELECT * FROM {a}) SELECT id, x FROM q WHERE x > 1

-- cte twice
WITH q AS (SELECT id, x, k, d FROM {a})
SELECT l.id, r.x FROM q l JOIN q r ON l.k = r.k WHERE l.x > 1 AND r.d >= '2024-01-01'

-- cte twice, one free
WITH q AS (SELECT * FROM {a}) SELECT id FROM q WHERE x > 1 UNION ALL SELECT k FROM q

-- cte in subquery
WITH q AS (SELECT id, k, x FROM {a} WHERE k > 0)
SELECT id FROM q WHERE x > (SELECT avg(x) FROM q WHERE k = 3)

-- cte chain
WITH src AS (SELECT * FROM {a}), ren AS (SELECT id AS a_id, x AS amount, s AS label, k FROM src),
fin AS (SELECT * FROM ren WHERE amount > 0) SELECT a_id, amount FROM fin WHERE k = 3

-- cte of its table's name
WITH a AS (SELECT * FROM {a} WHERE k = 1) SELECT a.id FROM a

-- cte unused
WITH q AS (SELECT * FROM {c}) SELECT id FROM {a}

-- cte shadowed
WITH q AS (SELECT 1 AS id) SELECT * FROM (WITH q AS (SELECT id FROM {a} WHERE x > 1) SELECT * FROM q)

-- cte columns
WITH q(p, q) AS (SELECT id, x FROM {a}) SELECT p FROM q WHERE q > 1

-- cte columns swapped
WITH q AS (SELECT id AS p, k AS q FROM {a}) SELECT z.q FROM q AS z(q, p) WHERE z.q > 2

-- derived columns
SELECT z.q FROM (SELECT id, k FROM {a}) AS z(q, p) WHERE z.q > 2

-- recursive
WITH RECURSIVE r(n, id) AS (SELECT 1, id FROM {a} WHERE id = 1 UNION ALL
SELECT n + 1, id FROM r WHERE n < 4) SELECT n, id FROM r WHERE n < 3

-- union
SELECT id, x FROM {a} WHERE x > 1 UNION SELECT id, y FROM {c} WHERE y > 1

-- union outside filter
SELECT * FROM (SELECT id, x FROM {a} UNION ALL SELECT id, y FROM {c}) u WHERE x > 1 AND id < 5

-- union of stars
SELECT id FROM (SELECT * FROM {e} UNION ALL SELECT * FROM {e} WHERE v > 0) u

-- union of stars, pruned
WITH p AS (SELECT * FROM {c} WHERE k > 0), q AS (SELECT * FROM {c})
SELECT t FROM (SELECT * FROM p UNION ALL SELECT * FROM q) u WHERE id > 1

-- union widening
SELECT id FROM (SELECT id FROM {a} UNION ALL SELECT v FROM {e}) u WHERE id > 5

-- except
SELECT id FROM {a} EXCEPT SELECT id FROM {c} WHERE y > 0

-- except, outside filter
SELECT * FROM (SELECT id, k FROM {a} EXCEPT SELECT id, k FROM {c}) u WHERE id > 1

-- intersect
SELECT * FROM (SELECT k FROM {a} INTERSECT SELECT k FROM {c}) u WHERE k > 1

-- distinct
SELECT * FROM (SELECT DISTINCT k, s FROM {a}) u WHERE k > 1

-- distinct pruned
SELECT k FROM (SELECT DISTINCT k, s FROM {a}) u

-- distinct on
SELECT k FROM (SELECT DISTINCT ON (k) k, id FROM {a} ORDER BY k, id DESC) u WHERE id > 1

-- limit inside
SELECT id FROM (SELECT id, x FROM {a} ORDER BY id LIMIT 3) u WHERE x > 1

-- limit in cte
WITH q AS (SELECT * FROM {a} ORDER BY id DESC NULLS LAST LIMIT 2) SELECT id FROM q WHERE k = 3

-- limit of union
SELECT id FROM ((SELECT id FROM {a} UNION ALL SELECT id FROM {c}) ORDER BY id LIMIT 4) u WHERE id > 1

-- offset
SELECT id FROM (SELECT id FROM {a} ORDER BY id OFFSET 2) u WHERE id > 3

-- window
SELECT id, r FROM (SELECT id, k, row_number() OVER (ORDER BY id) AS r FROM {a}) u WHERE id > 2

-- window partition
SELECT id, r FROM (SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY id) AS r FROM {a}) u
WHERE k = 1 AND id > 1

-- window pruned
SELECT id FROM (SELECT id, row_number() OVER (ORDER BY x) AS r FROM {a}) u

-- qualify
SELECT id, k FROM {a} WHERE x > 0 QUALIFY row_number() OVER (PARTITION BY k ORDER BY id) = 1

-- qualify inside
SELECT id FROM (SELECT id, k FROM {a} QUALIFY row_number() OVER (PARTITION BY k ORDER BY id) = 1) WHERE id > 1

-- named window
SELECT id, sum(x) OVER w AS t FROM {a} WINDOW w AS (PARTITION BY k ORDER BY id)

-- group
SELECT k, sum(id) AS n, sum(x) AS sx, avg(x) AS ax FROM {a} GROUP BY k

-- group, outside filter
SELECT * FROM (SELECT k, count(*) AS n FROM {a} GROUP BY k) u WHERE k > 1 AND n > 0

-- group by ordinal
SELECT n FROM (SELECT s, k, count(*) AS n FROM {a} GROUP BY 1, 2) u WHERE k = 1

-- group by all
SELECT k, count(*) AS n FROM {a} GROUP BY ALL ORDER BY ALL

-- group by all, star
SELECT n FROM (SELECT *, 1 AS n FROM {e} GROUP BY ALL) u

-- rollup
SELECT k, b, count(*) AS n FROM {a} GROUP BY ROLLUP (k, b)

-- rollup filtered
SELECT * FROM (SELECT k, count(*) AS n FROM {a} GROUP BY ROLLUP (k)) u WHERE k IS NULL

-- having
SELECT k, count(*) AS n FROM {a} GROUP BY k HAVING count(*) > 1 AND k > 0

-- aggregate, no group
SELECT * FROM (SELECT count(*) AS n, max(x) AS m FROM {a} WHERE k = 99) u WHERE n = 0

-- aggregate pruned
SELECT 1 AS one FROM (SELECT count(*) AS n, max(x) AS m FROM {a}) u

-- filtered aggregate
SELECT count(*) FILTER (WHERE x > 1) AS n, sum(id) FILTER (k = 3) AS s FROM {a}

-- star
SELECT * FROM {a}

-- star and more
SELECT *, x * 2 AS double_x FROM {a} WHERE id > 2

-- two stars
SELECT a.*, e.v FROM {a} a JOIN {e} e ON a.id = e.id

-- star exclude
SELECT * EXCLUDE (s, f) FROM {a}

-- star exclude inside
SELECT id FROM (SELECT * EXCLUDE (s) FROM {a}) u WHERE k = 1

-- star replace
SELECT * REPLACE (x * 2 AS x) FROM {a}

-- star replace inside
SELECT x, id FROM (SELECT * REPLACE (x * 2 AS x) FROM {a}) u WHERE x > 3

-- columns
SELECT COLUMNS('^[ik]') FROM {a}

-- whole row
SELECT e FROM {e} e WHERE id = 1

-- whole row counted
SELECT count(e) AS n FROM {e} e

-- from first
FROM {a} SELECT id, x WHERE x > 1

-- values
SELECT v.n, a.id FROM (VALUES (1), (2)) AS v(n) JOIN {a} a ON a.k = v.n WHERE v.n > 1

-- unnest
SELECT id, unnest([k, 10]) AS u FROM {a} WHERE id = 1

-- unnest pruned
SELECT id FROM (SELECT id, unnest([1, 2]) AS u FROM {a}) q WHERE id > 1

-- lambda
SELECT id, list_transform([1, 2], z -> z + k) AS l FROM {a} WHERE k = 2

-- alias reuse
SELECT x * 2 AS y, y + 1 AS z FROM {a} WHERE y > 2

-- asof
SELECT a.id, c.y FROM {a} a ASOF JOIN {c} c ON a.k = c.k AND a.d >= c.d WHERE c.y > 1

-- positional
SELECT a.id, c.y FROM {a} a POSITIONAL JOIN {c} c WHERE c.y > 1

-- semi
SELECT a.id FROM {a} a SEMI JOIN {c} c ON a.k = c.k AND c.y > 1

-- anti
SELECT a.id FROM {a} a ANTI JOIN {c} c ON a.k = c.k AND c.y > 1

-- self join
SELECT l.id, r.id AS rid FROM {a} l JOIN {a} r ON l.k = r.k AND l.id < r.id WHERE l.x > 0 AND r.x > 1

-- self join, same filter
SELECT l.id FROM {a} l JOIN {a} r ON l.id = r.id WHERE l.k = 3 AND r.k = 3

-- unaliased qualifier
SELECT a.id, c.y FROM {a} JOIN {c} ON a.id = c.id

-- odd names
SELECT "Foo", "select", "Spaced Name", "ü" FROM {Odd Names} WHERE "Spaced Name" > 5

-- odd star
SELECT * FROM {Odd Names}

-- other case
SELECT FOO, Id FROM {Odd Names}, {e} AS z WHERE z.ID = foo

-- empty table
SELECT count(*) AS n, max(n) AS m FROM {empty_one} WHERE n > 1.5

-- unsigned
SELECT id, w FROM {e} WHERE w > 7 OR w = 18446744073709551615

-- wide sum
SELECT sum(v) AS s, sum(w) AS sw, count(*) AS n FROM {e} WHERE w < 18446744073709551615

-- null output
SELECT id, NULL AS nothing FROM {a}

-- order and limit
SELECT id, x FROM {a} ORDER BY x DESC NULLS LAST, id LIMIT 3

-- no table
SELECT 1 AS one, 'x' AS two

-- engine names
SELECT sum(id), count(*), k + 1, max(x), 'lit', CASE WHEN k = 1 THEN 1 END FROM {a} GROUP BY k

-- pivot
SELECT * FROM (PIVOT {e} ON id IN (1, 2) USING sum(v))

-- sample
SELECT count(*) AS n FROM {a} USING SAMPLE 100%

-- or of ands
SELECT a.id FROM {a} a, {c} c WHERE a.id = c.id
AND ((a.k = 1 AND c.y > 1) OR (a.k = 2 AND c.y IS NOT NULL AND a.x < 0))

-- or over two
SELECT a.id FROM {a} a, {c} c WHERE a.id = c.id AND (a.x > 1 OR c.y > 1)

-- between columns
SELECT a.id FROM {a} a WHERE 2 BETWEEN k AND id

-- between reversed
SELECT a.id FROM {a} a WHERE k BETWEEN 3 AND 1 OR id BETWEEN 1 AND 2

-- tables inside in
SELECT id FROM {a} WHERE (k, id) IN (SELECT k, id FROM {c})

-- alias of another column's name, filtered
SELECT k AS id FROM {a} WHERE id > 2

-- alias and column of one name
SELECT id AS k, k + 1 AS z FROM {a}

-- alias in group by
SELECT id AS k, count(*) AS n FROM {a} GROUP BY k, id

-- alias in where
SELECT id AS kk, kk+1 AS z FROM {a} WHERE kk > 1

-- struct fields
SELECT s.f, s.g.h, s['f'] AS q FROM {st}

-- struct of a named table
SELECT st.s.f AS x FROM {st} WHERE st.s.f > 1

-- struct unnested
SELECT id, unnest(s) FROM {st}

-- unnest of a column
SELECT id, u FROM {st}, unnest(l) AS t(u) WHERE u > 1

-- in unnest
SELECT id FROM {st} WHERE id IN (SELECT unnest(l))

-- aggregate beside
SELECT t.id, t.k FROM {a} AS t, (SELECT max(k) AS k FROM {c}) q WHERE t.k = q.k AND q.k > 1

-- correlated and filtered
SELECT id FROM {a} WHERE k = (SELECT max(k) FROM {c} WHERE id = a.id AND k > 1)

-- window over a filter
SELECT sum(v) OVER () AS s FROM {e} WHERE id = 1 AND v IS NOT NULL

-- having on a key
SELECT id, k FROM {a} GROUP BY id, k HAVING id > 2

-- comma join, filtered
SELECT a.id FROM {a}, {c} WHERE a.id = c.id AND c.k > 1 AND a.x BETWEEN 1 AND 100

-- columns renamed by position
SELECT * FROM {a} AS t(p, q) WHERE p > 2

-- unpivot alone
UNPIVOT {e} ON v, w INTO NAME n VALUE val

-- order by ordinals
SELECT id, x FROM {a} ORDER BY 2 DESC, 1 LIMIT 3

-- union by name
SELECT id, x FROM {a} UNION ALL BY NAME SELECT y AS x, id FROM {c}

-- columns in where
SELECT * FROM {a} WHERE COLUMNS(['id','k']) > 1

-- exists, from first
SELECT id FROM {a} t WHERE t.x > 1 AND EXISTS (FROM {c} WHERE c.id = t.id)

-- materialized cte
WITH x AS MATERIALIZED (SELECT * FROM {a}) SELECT id FROM x WHERE k=1

-- values and in
SELECT id FROM (VALUES (1),(2)) t(id) WHERE id IN (SELECT id FROM {a})

-- distinct ordered
SELECT DISTINCT k FROM {a} ORDER BY k

-- group by a case
SELECT CASE k WHEN 1 THEN 'one' ELSE 'other' END AS w, count(*) AS n FROM {a} GROUP BY 1 ORDER BY 1

-- cube
SELECT grouping(k) AS g, k, count(*) AS n FROM {a} GROUP BY CUBE (k)

-- qualify by count
SELECT id FROM {a} QUALIFY count(*) OVER (PARTITION BY k) > 1

-- list aggregate
SELECT list(id ORDER BY id) AS l FROM {a} WHERE k = 1

-- struct_pack
SELECT struct_pack(i := id, j := k) AS s FROM {a}

-- arg_max
SELECT arg_max(id, x) AS m FROM {a}

-- rows compared
SELECT t.* FROM {a} t WHERE (t.k, t.id) = (1, 2)

-- count distinct rows
SELECT count(DISTINCT (k, id)) AS n FROM {a}

-- range beside
SELECT range AS r, id FROM range(3), {a} WHERE range = id

-- limit and offset
SELECT id FROM {a} WHERE id = 1 LIMIT 10 OFFSET 0

-- order by all, pruned
WITH q AS (SELECT id, k, x FROM {a} ORDER BY ALL LIMIT 3) SELECT x FROM q

-- order by all, pruned, of a star
WITH q AS (SELECT * FROM {c} ORDER BY ALL DESC LIMIT 2) SELECT y FROM q

-- limit of a plain union
SELECT id FROM (SELECT id FROM {a} UNION ALL SELECT id FROM {c} ORDER BY id LIMIT 4) u WHERE id > 1

-- recursive, filtered outside
WITH RECURSIVE r(id, k) AS (SELECT id, k FROM {a} WHERE id = 1 UNION ALL SELECT n.id, n.k FROM {a} n JOIN r ON n.id = r.id + 1)
SELECT id FROM r WHERE k = 3
