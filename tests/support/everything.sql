-- A database with at least one of everything that a snapshot must bring back, and with names that hurt. Run with
-- psql -v ON_ERROR_STOP=1 by a superuser in an empty UTF-8 database.
CREATE EXTENSION pg_trgm;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'rich_owner') THEN CREATE ROLE rich_owner; END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'rich "reader"') THEN CREATE ROLE "rich ""reader"""; END IF;
END $$;

CREATE SCHEMA "odd.schema %41/..";
CREATE SCHEMA "-- TOC entry 1 (class 1259 OID 2)";
CREATE TABLE "odd.schema %41/.."."a table ""quoted"" 'single' \back" ("col ""x""" int PRIMARY KEY, "новый\nname" text);
INSERT INTO "odd.schema %41/.."."a table ""quoted"" 'single' \back" VALUES (1, E'a\tb\nc\\d\r\\.'), (2, '\.'), (3, NULL), (4, '');
CREATE TABLE "odd.schema %41/..".". ." (v text);
INSERT INTO "odd.schema %41/..".". ." VALUES ('hidden');
CREATE TABLE "line
break" ("a
b" int, "-- Name: fake; Type: TABLE; Schema: x; Owner: y" text);
INSERT INTO "line
break" VALUES (1, 'x');
CREATE TABLE "ääääääääääääääääääääääääääääääx" (id int);
CREATE TABLE "тттттттттттттттттттттттттттттттx" ("ккккккккккккккккккккккккккккккк" bigint);
INSERT INTO "тттттттттттттттттттттттттттттттx" VALUES (7);
CREATE TABLE zero_columns ();
INSERT INTO zero_columns DEFAULT VALUES;
INSERT INTO zero_columns DEFAULT VALUES;
CREATE TABLE dropped (a int, b text, c int, d text);
INSERT INTO dropped VALUES (1, 'x', 2, 'y');
ALTER TABLE dropped DROP COLUMN b, DROP COLUMN a, ADD COLUMN e int DEFAULT 5;
INSERT INTO dropped VALUES (3, 'z', 6);

CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
ALTER TYPE mood ADD VALUE 'meh' BEFORE 'happy';
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int DEFAULT 1 CONSTRAINT over_zero CHECK (VALUE > 0);
CREATE DOMAIN pair_domain AS pair CHECK ((VALUE).a > 0);
CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TABLE typed (
    id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5) PRIMARY KEY,
    m mood NOT NULL DEFAULT 'sad', p pair, ps pair[], pd pair_domain, n positive, r float_range, h hstore, ci citext,
    j jsonb, x xml, b bytea, ts timestamptz, iv interval, nu numeric, arr int[], u uuid, net inet, bits bit varying(5), t tsvector,
    twice bigint GENERATED ALWAYS AS (n * 2) STORED,
    CHECK (m <> 'happy' OR n > 1)
);
INSERT INTO typed (m, p, ps, pd, n, r, h, ci, j, x, b, ts, iv, nu, arr, u, net, bits, t) VALUES
    ('sad', (1, 'a"b'), ARRAY[(1, 'x')::pair, (2, NULL)::pair], (1, 'dom'), 5, '[1.5,2.5)', 'a=>1,b=>NULL', 'MiXed', '{"a": [1, 2]}',
     '<a>x</a>', '\x00ff5c0a', '2025-01-01 00:00:00.123456+02', '1 mon 2 days 03:04:05', 'NaN', '[0:1]={1,NULL}',
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.0/8', B'101', 'a fat cat'),
    ('it''s ok', NULL, NULL, NULL, 9, 'empty', NULL, NULL, NULL, NULL, '', '-infinity', NULL, '123456789012345678901234567890.5', '{}',
     NULL, NULL, NULL, NULL);
CREATE TABLE plain_binary (
    a bool, b smallint, c int, d bigint, e real, f double precision, g numeric(20, 5), h text, i varchar(50), k char(5), l bytea,
    m date, n time, o timestamp, p timestamptz, q interval, r uuid, s jsonb, t int[], u text[],
    v int GENERATED ALWAYS AS (c + 1) STORED
);
INSERT INTO plain_binary SELECT i % 2 = 0, i % 100, i, i::bigint * 1000000007, i / 7.0, i / 3.0, i * 1.5, 'row ' || i, repeat('x', i % 50),
    'c' || i % 100, decode(md5(i::text), 'hex'), date '2020-01-01' + i, time '00:00' + i * interval '1 second',
    timestamp '2020-01-01' + i * interval '1 hour', timestamptz '2020-01-01Z' + i * interval '1 minute', i * interval '1 day 1 ms',
    md5(i::text)::uuid, jsonb_build_object('i', i), ARRAY[i, NULL, i + 1], ARRAY['a', NULL, 'b"c']
    FROM generate_series(1, 1000) i;
INSERT INTO plain_binary DEFAULT VALUES;
CREATE UNLOGGED TABLE unlogged_rows (a int);
INSERT INTO unlogged_rows VALUES (1), (2);

CREATE TABLE customers (id serial PRIMARY KEY, name varchar(100) NOT NULL, status varchar(20) DEFAULT 'new' CHECK (status IN ('new', 'old')),
    age int CHECK (age BETWEEN 0 AND 150 AND age <> 13));
INSERT INTO customers (name, status, age) SELECT 'n' || i, CASE WHEN i % 2 = 0 THEN 'new' ELSE 'old' END, i % 100 + 14 FROM generate_series(1, 500) i;
CREATE TABLE orders (id serial PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, amount numeric(12, 2), UNIQUE (customer_id, id));
INSERT INTO orders (customer_id, amount) SELECT i % 500 + 1, i FROM generate_series(1, 2000) i;
ALTER TABLE orders ADD CONSTRAINT self FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX orders_part ON orders (amount DESC NULLS LAST) WHERE amount > 100;
CREATE INDEX names_trgm ON customers USING gin (name gin_trgm_ops);
CREATE INDEX expr ON customers (lower(name), (age + 1));
ALTER INDEX expr ALTER COLUMN 2 SET STATISTICS 500;
CREATE STATISTICS order_stats (dependencies) ON customer_id, amount FROM orders;
ALTER TABLE customers CLUSTER ON customers_pkey;
ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_customer_id_id_key;
ALTER TABLE customers ALTER COLUMN name SET STATISTICS 300, ALTER COLUMN name SET STORAGE EXTERNAL;
ALTER TABLE customers SET (fillfactor = 70, autovacuum_enabled = off);
CREATE TABLE excluded (c circle, EXCLUDE USING gist (c WITH &&));
CREATE TABLE parent (a int, b text);
CREATE TABLE child (c int) INHERITS (parent);
INSERT INTO parent VALUES (1, 'p');
INSERT INTO child VALUES (2, 'c', 3);

CREATE TABLE events (id int, at date NOT NULL, kind text NOT NULL DEFAULT 'a', PRIMARY KEY (id, at, kind)) PARTITION BY RANGE (at);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 (kind text NOT NULL, junk int, at date NOT NULL, id int NOT NULL);
ALTER TABLE events_2025 DROP COLUMN junk;
ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT PARTITION BY LIST (kind);
CREATE TABLE events_rest_a PARTITION OF events_rest FOR VALUES IN ('a');
CREATE TABLE events_rest_any PARTITION OF events_rest DEFAULT;
CREATE INDEX events_kind ON events (kind);
INSERT INTO events SELECT i, date '2024-06-01' + i, chr(97 + i % 3) FROM generate_series(1, 900) i;
CREATE TABLE by_mood (m mood, v int) PARTITION BY HASH (m);
CREATE TABLE by_mood_0 PARTITION OF by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE by_mood_1 PARTITION OF by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE by_mood_2 PARTITION OF by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO by_mood SELECT (enum_range(NULL::mood))[1 + i % 4], i FROM generate_series(1, 100) i;

CREATE FUNCTION fooling() RETURNS text LANGUAGE plpgsql AS $fn$
BEGIN
    RETURN '
--
-- TOC entry 4000 (class 1259 OID 99999)
-- Dependencies: 1 2 3
-- Name: evil; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE evil ();
';
--
-- TOC entry 4001 (class 1259 OID 99998)
-- Name: evil2; Type: TABLE; Schema: public; Owner: postgres
--

END;
$fn$;
CREATE FUNCTION atomic(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC
    SELECT a + 1;
    SELECT CASE WHEN a > 1 THEN length('
--
-- TOC entry 4002 (class 1259 OID 99997)
-- Name: evil3; Type: TABLE; Schema: public; Owner: postgres
--

') ELSE 0 END;
END;
CREATE VIEW fooling_view AS SELECT '
--
-- TOC entry 4003 (class 1259 OID 99996)
-- Name: evil4; Type: TABLE; Schema: public; Owner: postgres
--

'::text AS "-- Name: v; Type: VIEW", id FROM customers;
COMMENT ON TABLE customers IS 'one
--
-- TOC entry 4004 (class 1259 OID 99995)
-- Name: evil5; Type: TABLE; Schema: public; Owner: postgres
--

';
CREATE PROCEDURE proc(INOUT a int) LANGUAGE plpgsql AS 'BEGIN a := a + 1; END';
CREATE AGGREGATE product(int) (SFUNC = int4mul, STYPE = int, INITCOND = '1');
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.amount := NEW.amount; RETURN NEW; END $$;
CREATE TRIGGER a_on BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.amount IS DISTINCT FROM NEW.amount) EXECUTE FUNCTION stamp();
CREATE TRIGGER b_off BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE orders DISABLE TRIGGER b_off;
CREATE TRIGGER c_always BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE orders ENABLE ALWAYS TRIGGER c_always;
CREATE RULE no_delete AS ON DELETE TO parent DO INSTEAD (SELECT 1; SELECT 2);
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON customers FOR SELECT TO "rich ""reader""" USING (name = CURRENT_USER);
CREATE VIEW spending AS SELECT c.id, c.name, sum(o.amount) AS total FROM customers c JOIN orders o ON o.customer_id = c.id
    WHERE c.age BETWEEN 1 AND 99 AND c.status IN ('new', 'old') GROUP BY c.id;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n, sum(total) AS total FROM spending;
CREATE UNIQUE INDEX totals_one ON totals (n);
CREATE MATERIALIZED VIEW totals_of_totals AS SELECT n + 1 AS n FROM totals;
CREATE MATERIALIZED VIEW never_filled AS SELECT 1 AS one WITH NO DATA;
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER watching ON ddl_command_end WHEN TAG IN ('DROP SCHEMA') EXECUTE FUNCTION watch();
ALTER EVENT TRIGGER watching DISABLE;
CREATE PUBLICATION all_orders FOR TABLE orders WITH (publish = 'insert, delete');
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE SEQUENCE standalone START 5 INCREMENT -3 MINVALUE -1000 MAXVALUE 10 CYCLE;
SELECT nextval('standalone'), nextval('standalone');
CREATE SEQUENCE untouched START 42;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER "far away" FOREIGN DATA WRAPPER nothing OPTIONS (host 'x');
CREATE FOREIGN TABLE remote_rows (a int) SERVER "far away";
CREATE USER MAPPING FOR rich_owner SERVER "far away" OPTIONS (who 'me');
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, COMMUTATOR = ===);
CREATE CAST (pair AS text) WITH INOUT;
CREATE COLLATION german (provider = icu, locale = 'de-u-co-phonebk', deterministic = true);
CREATE TEXT SEARCH CONFIGURATION mine (COPY = simple);
CREATE TEXT SEARCH DICTIONARY mine_dict (TEMPLATE = simple, stopwords = 'english');

GRANT SELECT ON customers TO "rich ""reader""" WITH GRANT OPTION;
GRANT SELECT (id, customer_id) ON orders TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO "rich ""reader""";
ALTER TABLE dropped OWNER TO rich_owner;
ALTER SCHEMA "odd.schema %41/.." OWNER TO rich_owner;
SELECT lo_from_bytea(5001, decode(repeat('00ff41', 1000), 'hex'));
SELECT lo_from_bytea(5002, '');
SELECT lo_from_bytea(5003, (SELECT string_agg(decode(md5(i::text), 'hex'), '') FROM generate_series(1, 200000) i));
COMMENT ON LARGE OBJECT 5001 IS 'a blob';
ALTER LARGE OBJECT 5001 OWNER TO rich_owner;
GRANT SELECT ON LARGE OBJECT 5003 TO "rich ""reader""";
