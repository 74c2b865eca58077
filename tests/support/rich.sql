-- A database that uses most kinds of objects a snapshot has to bring back. Roles rich_owner and rich_reader exist.
CREATE SCHEMA "Odd schema";
CREATE SCHEMA part;
CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE mood ADD VALUE 'meh' BEFORE 'ok';
CREATE DOMAIN positive AS integer DEFAULT 1 CHECK (VALUE > 0);
CREATE TYPE address AS (street text, zip varchar(10));
CREATE TYPE span AS RANGE (subtype = integer);
COMMENT ON TYPE mood IS 'It''s a mood; -- Name: fake; Type: TABLE; Schema: public; Owner: nobody';

-- rows of every kind, NULLs, escapes
CREATE TABLE kinds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    small smallint, num numeric(20, 6), f double precision, flag boolean,
    txt text, ch char(4), raw bytea, at timestamptz, day date, gap interval,
    doc jsonb, arr integer[], moods mood[], a address, s span, tags hstore, u uuid, ip inet, p positive,
    twice numeric(21, 6) GENERATED ALWAYS AS (num * 2) STORED
);
INSERT INTO kinds (small, num, f, flag, txt, ch, raw, at, day, gap, doc, arr, moods, a, s, tags, u, ip, p)
SELECT i % 100, i / 7.0, CASE WHEN i % 10 = 0 THEN 'NaN' ELSE sqrt(i) END, i % 2 = 0,
    CASE WHEN i % 5 = 0 THEN NULL ELSE E'tab\there \\ back\nnew "q" ' || i || ' größe €' END, 'ab',
    decode(md5(i::text), 'hex'), '2024-01-01 00:00:00+02'::timestamptz + i * interval '1 hour', DATE '2024-02-29' + i,
    make_interval(days => i), jsonb_build_object('i', i, 'n', NULL), ARRAY[i, NULL, -i], ARRAY['sad', 'happy']::mood[],
    ROW('Main "St"', i::text)::address, span(i, i + 10), hstore('k', i::text), md5(i::text)::uuid, '10.0.0.1', i + 1
FROM generate_series(1, 2000) i;

-- binary-friendly, large enough for some work
CREATE TABLE entries (id bigserial PRIMARY KEY, account integer NOT NULL, amount numeric(12, 2) NOT NULL, note text);
INSERT INTO entries (account, amount, note) SELECT i % 50, i * 0.01, 'entry ' || i FROM generate_series(1, 20000) i;
CREATE INDEX entries_account ON entries (account) INCLUDE (amount) WHERE amount > 1;
CREATE STATISTICS entries_stats (dependencies, ndistinct) ON account, amount FROM entries;
ALTER TABLE entries ALTER COLUMN account SET STATISTICS 500;
CREATE TABLE no_columns ();
INSERT INTO no_columns SELECT FROM generate_series(1, 3);
CREATE TABLE empty_table (a integer, b text);
CREATE UNLOGGED TABLE scratchpad (a integer);

-- partitions: by range with a default, by list of lists, by hash on an enum
CREATE TABLE part.log (at date NOT NULL, level mood NOT NULL, msg text) PARTITION BY RANGE (at);
CREATE TABLE part.log_2023 PARTITION OF part.log FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE part.log_2024 (msg text, at date NOT NULL, level mood NOT NULL);
ALTER TABLE part.log ATTACH PARTITION part.log_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE part.log_rest PARTITION OF part.log DEFAULT;
CREATE INDEX log_at ON part.log (at);
INSERT INTO part.log SELECT DATE '2023-06-01' + i, 'ok', 'm' || i FROM generate_series(1, 1000) i;
CREATE TABLE part.by_mood (m mood NOT NULL, n integer) PARTITION BY HASH (m);
CREATE TABLE part.by_mood_0 PARTITION OF part.by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE part.by_mood_1 PARTITION OF part.by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE part.by_mood_2 PARTITION OF part.by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO part.by_mood SELECT (enum_range(NULL::mood))[1 + i % 4], i FROM generate_series(1, 400) i;
-- inheritance of the old kind
CREATE TABLE animal (name text);
CREATE TABLE dog (breed text) INHERITS (animal);
INSERT INTO animal VALUES ('cat');
INSERT INTO dog VALUES ('rex', 'boxer');

-- a cycle of foreign keys, one deferrable; keys to and from partitions
CREATE TABLE team (id integer PRIMARY KEY, captain integer);
CREATE TABLE player (id integer PRIMARY KEY, team integer NOT NULL REFERENCES team);
INSERT INTO team VALUES (1, NULL);
INSERT INTO player VALUES (10, 1);
UPDATE team SET captain = 10;
ALTER TABLE team ADD CONSTRAINT team_captain FOREIGN KEY (captain) REFERENCES player DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT team_captain ON team IS 'who leads';
CREATE TABLE tree (id integer PRIMARY KEY, parent integer REFERENCES tree);
INSERT INTO tree VALUES (3, NULL), (1, 3), (2, 1);

-- constraints that hold only for new rows
CREATE TABLE loose (id integer, v integer);
INSERT INTO loose VALUES (-1, 99), (5, 1);
ALTER TABLE loose ADD CONSTRAINT loose_positive CHECK (id > 0) NOT VALID;
ALTER TABLE loose ADD CONSTRAINT loose_v FOREIGN KEY (v) REFERENCES tree NOT VALID;
-- a key that is said to be valid, but is not: rows were deleted behind its back
CREATE TABLE violated (id integer PRIMARY KEY, tree integer CONSTRAINT violated_tree REFERENCES tree);
INSERT INTO violated VALUES (1, 1), (2, 2);
SET session_replication_role = replica;
UPDATE violated SET tree = 77 WHERE id = 2;
RESET session_replication_role;
COMMENT ON CONSTRAINT violated_tree ON violated IS 'not true';
CREATE TABLE booking (room integer, during tsrange, EXCLUDE USING gist (during WITH &&));

-- odd names
CREATE TABLE "Odd schema"."Tab""le; --" ("Col umn" integer PRIMARY KEY, "größe" text, "select" text DEFAULT $$it's; /* ok */$$);
INSERT INTO "Odd schema"."Tab""le; --" SELECT i, 'g' || i FROM generate_series(1, 50) i;
CREATE SEQUENCE "Odd schema"."s""eq" START 5 INCREMENT BY -5 MINVALUE -1000 MAXVALUE 10;
SELECT nextval('"Odd schema"."s""eq"'), nextval('"Odd schema"."s""eq"');
CREATE SEQUENCE unused_sequence;

-- functions whose bodies hold text that looks like a dump's
CREATE FUNCTION looks_like_toc() RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    -- Name: entries; Type: TABLE; Schema: public; Owner: postgres
--
-- Name: entries; Type: TABLE; Schema: public; Owner: postgres
--
    RETURN 'COPY x FROM stdin; \. ';
END
$body$;
CREATE FUNCTION atomic_sum(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT a + b;
END;
CREATE PROCEDURE p(INOUT x integer) LANGUAGE plpgsql AS $$ BEGIN x := x + 1; END $$;
CREATE AGGREGATE product(integer) (SFUNC = int4mul, STYPE = integer, INITCOND = '1');
CREATE OPERATOR @+@ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = atomic_sum);

-- triggers in each state
CREATE TABLE watched (id integer, log text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.log := coalesce(NEW.log, '') || TG_NAME; RETURN NEW; END $$;
CREATE TRIGGER t_on BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER t_off BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER t_always BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER t_replica BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE watched DISABLE TRIGGER t_off;
ALTER TABLE watched ENABLE ALWAYS TRIGGER t_always;
ALTER TABLE watched ENABLE REPLICA TRIGGER t_replica;
INSERT INTO watched VALUES (1);
CREATE RULE no_delete AS ON DELETE TO watched DO INSTEAD (SELECT 1; SELECT 2);
CREATE TABLE ddl_log (tag text);
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ddl_log VALUES (tg_tag); END $$;

-- views on views, materialized ones too, in an order that names do not give
CREATE VIEW v_base AS SELECT account, sum(amount) AS total FROM entries GROUP BY account;
CREATE MATERIALIZED VIEW z_first AS SELECT * FROM v_base;
CREATE MATERIALIZED VIEW a_second AS SELECT count(*) AS n, sum(total) AS t FROM z_first;
CREATE MATERIALIZED VIEW never_filled AS SELECT 1 AS one WITH NO DATA;
CREATE UNIQUE INDEX z_first_account ON z_first (account);

-- row security, rights, default privileges, owners
CREATE TABLE secret (owner name DEFAULT current_user, v text);
INSERT INTO secret VALUES ('rich_reader', 'x'), ('other', 'TO rich_reader');
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON secret FOR SELECT TO rich_reader USING (owner = current_user);
GRANT SELECT (v), UPDATE (v) ON secret TO rich_reader WITH GRANT OPTION;
GRANT USAGE ON SCHEMA part TO rich_reader;
GRANT EXECUTE ON FUNCTION atomic_sum(integer, integer) TO rich_reader;
REVOKE EXECUTE ON FUNCTION looks_like_toc() FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE rich_owner IN SCHEMA part GRANT SELECT ON TABLES TO rich_reader;
ALTER TABLE entries OWNER TO rich_owner;
ALTER SCHEMA part OWNER TO rich_owner;
COMMENT ON TABLE entries IS E'line one\nline two; DROP TABLE x;';
COMMENT ON COLUMN entries.note IS 'ALTER TABLE entries OWNER TO rich_reader;';

-- foreign data, text search, publication
CREATE FOREIGN DATA WRAPPER dummy;
CREATE SERVER nowhere FOREIGN DATA WRAPPER dummy OPTIONS (host 'x');
CREATE FOREIGN TABLE far (a integer) SERVER nowhere OPTIONS (name 'f');
CREATE USER MAPPING FOR rich_reader SERVER nowhere OPTIONS (secret 'rich_owner');
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
CREATE COLLATION de (provider = icu, locale = 'de');
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 150000 THEN
        EXECUTE 'CREATE PUBLICATION some_rows FOR TABLE entries (id, account) WHERE (account > 3), team';
    ELSE
        EXECUTE 'CREATE PUBLICATION some_rows FOR TABLE entries, team';
    END IF;
END $$;

-- large objects, one of them empty
SELECT lo_from_bytea(90001, decode(repeat('00ff10', 300000), 'hex'));
SELECT lo_from_bytea(90002, '');
ALTER LARGE OBJECT 90001 OWNER TO rich_owner;
GRANT SELECT ON LARGE OBJECT 90001 TO rich_reader;
COMMENT ON LARGE OBJECT 90002 IS 'empty';

CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('aaaa00000001');
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end EXECUTE FUNCTION on_ddl();
CREATE EVENT TRIGGER sleeping ON ddl_command_start EXECUTE FUNCTION on_ddl();
ALTER EVENT TRIGGER sleeping DISABLE;
