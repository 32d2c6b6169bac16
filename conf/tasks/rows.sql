-- The database of rows.c, which `make` builds: readings of thermometers.

CREATE TABLE readings (
    id       INTEGER PRIMARY KEY,
    place    TEXT NOT NULL,
    celsius  REAL NOT NULL,
    note     TEXT
);

WITH RECURSIVE numbers (i) AS (
    VALUES (1) UNION ALL SELECT i + 1 FROM numbers WHERE i < 100000
)

INSERT INTO readings SELECT
    i,
    CASE i % 4
        WHEN 1 THEN 'Zürich, roof'
        WHEN 2 THEN 'cellar'
        WHEN 3 THEN 'the "old" hall'
        ELSE 'garden' END,
    (i * 37 % 400 - 100) / 10.0,
    CASE i % 5
        WHEN 2 THEN ''
        WHEN 3 THEN 'door open' || char(10) || 'since noon'
        WHEN 4 THEN 'in the sun' END
FROM numbers;
