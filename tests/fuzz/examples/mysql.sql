-- Kinds of SQL that MariaDB's documentation shows.
-- Tables are written {name}; a blank line ends a statement.

SELECT * FROM (SELECT Upper(t), n+1 FROM {t2}) AS q

SELECT DISTINCT k+1 FROM {t3}

SELECT `k*2` AS twice FROM (SELECT k*2 FROM {t3}) AS q

SELECT * FROM (SELECT If(k > 1, 'many', 'one'), `id` FROM {t3}) AS q

SELECT trim(both 'o' from t) AS inner_part FROM {t2}

SELECT id FROM {t3} ORDER BY id OFFSET 2 ROWS

SELECT count(*) AS n FROM (SELECT id FROM {t3} ORDER BY id OFFSET 2 ROWS) AS q

SELECT id, sqrt(k - 100) AS root, power(k, 2) AS squared FROM {t3}

-- a comment that the server runs
SELECT id /*! , k */ FROM {t3}

SELECT id, /*M!100000 10 * */ k AS tens FROM {t3}

-- literals that a function reads by their value
SELECT id, trim(both 'eno' from t) AS words, sha2(t, 256) AS hashed FROM {t2}

SELECT id, sha2(t, 512) AS longer FROM {t2}

SELECT a.id, b.id AS other, a.id / b.id = 0.3333 AS same, a.id / b.id > 0.6666 AS more FROM {t2} AS a JOIN {t3} AS b ON b.id <> a.id

SELECT id, round(k, -25) AS far, truncate(k, -(-1)) AS near, coalesce(k, 1234567890) AS long_number FROM {t3}

-- names of inner outputs, and a NULL without a type
WITH q AS (SELECT Id, K, S FROM {t1}) SELECT * FROM q

SELECT id, NULL AS nothing FROM {t2}
