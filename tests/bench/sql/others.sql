-- The other tables.
SET synchronous_commit = off;
INSERT INTO accounts SELECT i, md5('account ' || i)::uuid, initcap(word(i * 7919)) || ' ' || initcap(word(i * 104729)) || ' ' || i,
    timestamptz '2015-01-01Z' + i * interval '37 minutes', jsonb_build_object('currency', 'EUR', 'limit', i % 5000, 'paper', i % 3 = 0)
    FROM generate_series(1::bigint, :entries / 20) i;
INSERT INTO documents SELECT i, 1 + i * 7919 % (:entries / 20), word(i * 31) || ' ' || word(i * 17) || ' ' || i,
    (SELECT string_agg(word(i * 7919 + j * j * 104729 + i * j), ' ') FROM generate_series(1, 120) j),
    jsonb_build_object('kind', word(i % 12), 'year', 2015 + i % 10, 'words', jsonb_build_array(word(i * 3), word(i * 5), word(i * 11))),
    (SELECT string_agg(decode(md5(i || ' scan ' || j), 'hex'), '') FROM generate_series(1, 12 + (i % 100)::int) j)
    FROM generate_series(1::bigint, :entries / 100) i;
INSERT INTO splits SELECT i, 1, i * 104729 % 300, i % 100000 / 100.0, CASE WHEN i % 4 = 0 THEN word(i) || ' ' || word(i / 64) END
    FROM generate_series(1::bigint, :entries / 2) i;
