-- 600 MB in rows up to 1 MB: bytes that do not compress beside text that does.
CREATE TABLE wide (id int PRIMARY KEY, v bytea, t text);
ALTER TABLE wide ALTER COLUMN v SET STORAGE EXTERNAL, ALTER COLUMN t SET STORAGE EXTERNAL;
INSERT INTO wide SELECT i, (SELECT string_agg(decode(md5(i || ' ' || j), 'hex'), '') FROM generate_series(1, 64 * (i * 7919 % 513)) j),
    repeat(md5(i::text), 32 * (i * 7919 % 513)) FROM generate_series(1, 600) i;
CREATE TABLE narrow AS SELECT i AS id, md5(i::text) AS v FROM generate_series(1, 1000000) i;
VACUUM (FREEZE, ANALYZE);
