-- The database of conf/io.conf, which `make run CONF=io` makes.

CREATE TABLE notes (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author  text NOT NULL,
    text    text NOT NULL
);

CREATE INDEX ON notes (author);

INSERT INTO notes (author, text) VALUES
    ('O''Brien', 'the "old" hall is closed'),
    ('Zoë', 'Grüße aus Zürich'),
    ('O''Brien', 'it is open again');
