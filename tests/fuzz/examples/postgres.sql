-- Kinds of SQL that PostgreSQL's documentation shows.
-- Tables are written {name}; a blank line ends a statement. First of all t5 is made, if the database needs it.

-- a table of types that other databases do not have
DROP TABLE IF EXISTS t5

DROP TYPE IF EXISTS t5_mood, t5_home

CREATE TYPE t5_mood AS ENUM ('low', 'fair', 'high')

CREATE TYPE t5_home AS (town text, floor integer)

CREATE TABLE t5 (id integer, grid integer[][], flags bit(4), span interval, mood t5_mood,
    tags jsonb, code character(5), home t5_home, at timestamptz)

INSERT INTO t5 VALUES
    (1, '{{1,2},{3,4}}', B'1011', '1 mon 2 days', 'high', '{"x": [1]}', 'ab', ROW('Ulm', 2), '2031-07-01 12:00:00+00'),
    (2, '[0:1]={5,6}', B'0000', '-3 hours', 'fair', '"x"', '', NULL, '2031-01-15 00:00:00+00'),
    (3, NULL, NULL, NULL, 'low', NULL, NULL, ROW(NULL, 1), NULL)

-- names
SELECT * FROM (SELECT lower(s), k + 1, count(*) OVER () FROM {t1}) AS q

SELECT upper FROM (SELECT DISTINCT upper(t) FROM {t2}) AS q

WITH few AS (SELECT min(p), max(p) FROM {t3}) SELECT few.*, max - min FROM few

SELECT q.* FROM {t4} RIGHT JOIN (VALUES (1, 'x'), (2, NULL)) AS q ON TRUE

SELECT 'a'
'b', s FROM {t1}

SELECT id IS DISTINCT FROM k, CASE WHEN k > 1 THEN s ELSE 'few' END, k::text::varchar(3) FROM {t1}

SELECT EXISTS (SELECT FROM {t2} AS b WHERE b.k = a.k), ARRAY[a.id], (a.id, a.s) IS NULL FROM {t1} AS a

SELECT (SELECT max(q) FROM {t2}), extract(year FROM d), nullif(k, 1), coalesce(s, '-') FROM {t1}

SELECT id, s ^@ 'a', (s ^@ 'a')::text, CASE WHEN k > 1 THEN 0 ELSE mod(k, 2) END FROM {t3}

SELECT + k, id FROM {t3}

SELECT |/ id FROM {t3}

SELECT (SELECT char_length(max(s)) FROM {t1}), power(k, 2)::integer, id FROM {t3}

SELECT log(2, id), id FROM {t3}

SELECT log10(id), id FROM {t3}

-- types
SELECT NULL AS nothing, id FROM {t1} UNION ALL SELECT NULL, id FROM {t2}

SELECT NULL AS nothing, id FROM {t1}

SELECT ARRAY[[id, 7], [8, NULL]] AS grid, ARRAY[s] AS list, B'1011' AS flags FROM {t3}

SELECT int4range(id, id + 4) AS r, '10.0.0.0/8'::cidr AS net, point(id, 2) AS p, d AS d FROM {t3}

SELECT to_tsvector('simple', t) AS words, '{"a": [1, 2]}'::jsonb -> 'a' AS j, t::bytea AS raw FROM {t2} WHERE id < 9

SELECT id, grid, flags, span, tags, code, at FROM {t5}

SELECT id, mood::text AS word FROM {t5} WHERE mood > 'low' OR id < 0

SELECT max(mood)::text AS most, count(*) AS n FROM {t5} GROUP BY id > 1 HAVING min(mood) < 'high'

SELECT id, row_number() OVER (ORDER BY mood) AS n FROM {t5}

SELECT id, array_length(ARRAY[s], 1) AS length, array_length(ARRAY[id, k], 2) AS height FROM {t1}

SELECT id, array_to_string(ARRAY[s, NULL], ',') AS list, regexp_replace(t, 'e', '\&\&') AS twice FROM {t1} JOIN {t2} USING (id)

SELECT id, regexp_split_to_array(s, '_') AS parts FROM {t1}

SELECT id, grid[1][2] AS cell, flags & B'0110' AS bits, (home).town AS town FROM {t5}

SELECT enum_last(mood)::text AS most, span * 2 AS twice, tags ? 'x' AS has, code || '|' AS padded FROM {t5}

SELECT at - timestamptz '2031-03-01 12:00:00+00' AS since, at + interval '1 mon 36 hours' AS later FROM {t5}

SELECT avg(p) AS mean, p / 3 AS third, sum(k) AS s, var_pop(k) AS v FROM {t3} GROUP BY p

-- clauses and forms of PostgreSQL's own
TABLE {t3}

SELECT id FROM {t3} * WHERE id > 2

SELECT id, k FROM ONLY {t1} ORDER BY k DESC NULLS LAST, id FETCH FIRST 2 ROWS WITH TIES

SELECT trim(both from t, 'oe') AS inner_part, overlay(t placing '__' from 2 for 1) AS o FROM {t2}

SELECT id, regexp_matches(t, '[aeT]', 'g') AS hit FROM {t2}

SELECT a.id, g FROM {t3} AS a, generate_series(1, a.id, 2) WITH ORDINALITY AS x (g, n) WHERE n < 3

SELECT a.id, l.* FROM {t1} AS a LEFT JOIN LATERAL (SELECT b.q, b.n FROM {t2} AS b
WHERE b.k = a.k ORDER BY b.id LIMIT 1) AS l ON TRUE

SELECT id, u.* FROM {t3}, ROWS FROM (unnest(ARRAY['x', 'y']), generate_series(1, 3)) AS u (word, n)

SELECT s, k, grouping(s, k) AS level, count(*) FILTER (WHERE p > 1) AS n FROM {t1} GROUP BY CUBE (s, k)

SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY p) AS mid, string_agg(s, ',' ORDER BY id DESC) AS l FROM {t1}

WITH RECURSIVE up (id, path) AS (SELECT id, ARRAY[id] FROM {t3} UNION ALL SELECT up.id - 1, path || (up.id - 1)
FROM up WHERE up.id > 1) SELECT id, count(*) AS n FROM up GROUP BY id

SELECT id, last_value(s) OVER w, sum(k) OVER (w ROWS 1 PRECEDING EXCLUDE CURRENT ROW) AS near
FROM {t1} WINDOW w AS (ORDER BY id)

SELECT (id, k) < (2, 2) AS before, (DATE '2031-01-01', INTERVAL '9 days') OVERLAPS (d, d) AS o,
s SIMILAR TO '(a|ä)%' AS alike FROM {t1}

SELECT x.* FROM {t3}, jsonb_to_recordset('[{"a": 1, "b": "z"}]') AS x (a int, b text)

SELECT id, $$it's$$ AS quoted, E'a\tb' AS tab, U&'\00e4' AS umlaut, 1.5e2 AS n FROM {t3}

-- SQL over which SQLGlot fails by a fault of its own
SELECT t.id, x.place, x.n
FROM {t3} AS t, XMLTABLE('/r/a' PASSING ('<r><a n="7"/><a n="8"/></r>'::xml) COLUMNS place FOR ORDINALITY, n int PATH '@n') AS x

-- more places to round away than a number has
SELECT id, round(p, -9) AS far, trunc(p, -9) AS cut, round(k, -40) AS further FROM {t3}
