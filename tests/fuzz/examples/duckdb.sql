-- Kinds of SQL that DuckDB's documentation shows.
-- Tables are written {name}; a blank line ends a statement. First of all t5 is made, if the database needs it.

-- a table of types that other databases do not have
CREATE TYPE t5_mood AS ENUM ('low', 'fair', 'high')

CREATE TABLE t5 (id INTEGER, fixed INTEGER[3], mood t5_mood, label VARCHAR COLLATE NOCASE, span INTERVAL,
    codes MAP(VARCHAR, INTEGER), pair STRUCT(x INTEGER, y VARCHAR), seen TIMESTAMP_S)

INSERT INTO t5 VALUES
    (1, [1, 2, 3], 'high', 'Ana', INTERVAL '1 month 2 days', MAP {'a': 1, 'b': 2}, {'x': 1, 'y': 'one'}, '2031-05-06 07:08:09'),
    (2, NULL, 'fair', 'Cyd', INTERVAL '-3 hours', MAP {}, NULL, NULL),
    (3, [4, NULL, 6], 'low', NULL, NULL, NULL, {'x': NULL, 'y': ''}, 'infinity')

-- types that staging lacks
SELECT id, [k, id]::INTEGER[2] AS pair, TIMESTAMP_S '2031-05-06 07:08:09' AS at FROM {t1}

SELECT [array_value(id, k), NULL] AS pairs, [NULL] AS none FROM {t1}

SELECT id, b'low' AS raw, '0110'::BIT AS bits, 'b'::ENUM('b', 'a') AS letter FROM {t3}

SELECT id, (INTERVAL 40 DAY + INTERVAL 3 HOUR) * id AS span, id::HUGEINT * 7 AS huge FROM {t3}

SELECT id, TIMETZ '21:00:00+02' AS at, TIMESTAMP_NS '2031-05-06 07:08:09.123456789' AS ns FROM {t3}

SELECT id, MAP {'k': k, 'id': id} AS m, {'a': {'b': s}} AS nested, a: id + 1 FROM {t3}

SELECT t3 AS line, {'f': fixed, 'm': mood} AS pair FROM {t5} JOIN {t3} USING (id)

SELECT fixed, seen, [seen] AS list, mood FROM {t5}

SELECT typeof(fixed) AS f, typeof([seen]) AS s, seen + INTERVAL 1 DAY AS next FROM {t5} WHERE id < 3

SELECT rowid, id FROM {t2}

SELECT id, fixed, label, span, codes['b'] AS b, pair.y AS y FROM {t5} ORDER BY 1 DESC

SELECT enum_range(mood)[1] AS least, fixed[2:3] AS part FROM {t5}

SELECT id, label FROM {t5} WHERE label = 'ANA' OR label > 'cy'

-- names
SELECT COLUMNS('^(id|k)$') AS 'of_\1' FROM {t3}

SELECT max(COLUMNS(c -> c IN ('k', 'p'))), COLUMNS(* EXCLUDE (k, d, f, p)) FROM {t3} GROUP BY ALL

SELECT * FROM (SELECT upper(s), k + 1 FROM {t1}) AS q

SELECT * REPLACE (k * 2 AS k) RENAME (s AS words) FROM {t3}

SELECT id, (SELECT max(b.q) FROM {t2} AS b WHERE b.k = a.k) FROM {t1} AS a

SELECT {'t1': a.id, 's': b.t} AS pair FROM {t1} AS a POSITIONAL JOIN {t2} AS b

-- clauses and forms of DuckDB's own
FROM {t2} SELECT id, list_transform([n, id], lambda x: x % 7) AS rest WHERE n IS NOT NULL

PIVOT (SELECT k, id FROM {t3}) ON k IN (1, 2) USING count(id) AS n

PIVOT {t3} ON k USING sum(p) GROUP BY s

UNPIVOT {t3} ON COLUMNS(* EXCLUDE (id, s, d)) INTO NAME what VALUE amount

SELECT a.id, b.id AS last FROM {t1} AS a ASOF LEFT JOIN {t3} AS b ON a.d >= b.d

SELECT id, k + 1 AS more, more * 2 AS twice FROM {t1} WHERE more > 2 QUALIFY row_number() OVER (ORDER BY id) < 4

SELECT s.upper().substr(1, 1) AS initial, s[-1:] AS last, t.id FROM {t1} AS t WHERE s ^@ 'a'

SELECT id FROM {t1} SEMI JOIN {t2} USING (id) UNION ALL BY NAME SELECT 'x' AS s, id FROM {t3}

SELECT [x * 2 FOR x IN [id, k] IF x > 1] AS some, list_reduce([id, 5], (x, y) -> x + y) AS s FROM {t1}

SELECT k, arg_max(s, id, 2) AS top, quantile_cont(p, [0.5, 1]) AS q, mode(s) AS m FROM {t1} GROUP BY k

SELECT DISTINCT ON (k) k, id, TRY(ln(id - 1)) AS log FROM {t1} ORDER BY k, id DESC

SELECT id, unnest({'y': year(d), 'q': quarter(d)}), date_part(['month', 'day'], d) AS parts FROM {t3}

WITH RECURSIVE up(id, level) AS (SELECT id, 0 FROM {t3} UNION ALL SELECT id, level + 1
FROM up WHERE level < id) SELECT id, max(level) AS top FROM up GROUP BY id
