#!/bin/bash
# The script lexer splits where psql splits: the statements that `psql -e` echoes, byte by byte.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
sql postgres "CREATE TABLE t (a text, b int)"

cat >"$WORK/script.sql" <<'SQL'
-- a leading comment; it is not sent
SELECT 1; SELECT 2 ; select 'a;''b;', E'\';\\', U&'\0061;', N'x;', B'01', X'0f' ;
SELECT $$;$$, $a$ $$;$b$ $a$ -- inside; '
, 3;
SELECT 1 /* ; /* ; */ ' */ + 2, 4 */* x; */5, 2 @-- ;
 3;
CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM t WHERE b = 1; UPDATE t SET b = 2);
CREATE FUNCTION f(a int DEFAULT 1) RETURNS int BEGIN ATOMIC SELECT a; SELECT CASE WHEN a > 1 THEN 2 ELSE 3 END; END;
create or replace procedure p() begin atomic insert into t values ('x', 1); select 1; end;
COPY t (a, b) FROM stdin;
one;	1
\N	2
-- belay: upgrade	3
it's	4
\.
COPY (SELECT 'x;' FROM t) TO '/dev/null';
copy t from stdin with (format csv);
"a;
b",5
\.
DO $do$ BEGIN PERFORM 'x;'; END; $do$;
BEGIN; SAVEPOINT s; ROLLBACK TO s; COMMIT;
SELECT nowhere FROM nothing; SELECT ')';
SELECT (1
  ; 2); SELECT "a;b" FROM t; SELECT 5 AS a$b$c;
INSERT INTO t VALUES ('\', 1), (E'\n;', 2), ('--', 3), ('/*', 4);
SELECT 1::int, 2!=-1, b[1:2] FROM t;
SQL
# What the server is asked to return is not of interest: psql -o.
psql -X -q -e -o /dev/null -d postgres -f "$WORK/script.sql" >"$WORK/psql" 2>/dev/null || true
"$BELAY_TESTS/lexer_driver" "$WORK/script.sql" >"$WORK/belay"

# psql sends white space in front of the semicolon too, belay does not.
sed 's/ *;$/;/' "$WORK/psql" | grep -v '^$' >"$WORK/psql.plain"
sed 's/ *;$/;/' "$WORK/belay" >"$WORK/belay.plain"
begin "the same statements as psql"
diff "$WORK/psql.plain" "$WORK/belay.plain" >&2 || fail "belay and psql split differently (< psql, > belay)"
[ "$(wc -l <"$WORK/belay.plain")" -gt 25 ] || fail "nothing was compared"

begin "a dump of a database splits as psql splits it"
sql postgres "CREATE DATABASE rich"
psql -X -q -d rich -f "$BELAY_SOURCE/tests/support/rich.sql" >/dev/null 2>&1 || true
pg_dump -d rich --inserts | grep -v -e '^\\restrict' -e '^\\unrestrict' >"$WORK/dump.sql"
sql postgres "CREATE DATABASE copy"
psql -X -q -e -o /dev/null -d copy -f "$WORK/dump.sql" 2>/dev/null | grep -v '^$' >"$WORK/psql" || true
"$BELAY_TESTS/lexer_driver" "$WORK/dump.sql" | grep -v '^$' >"$WORK/belay"
diff "$WORK/psql" "$WORK/belay" >&2 || fail "belay and psql split differently (< psql, > belay)"
