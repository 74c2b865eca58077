#!/bin/bash
# Alembic (Debian's, or that of ALEMBIC_PYTHON) reads and moves a database that belay migrated, and the reverse.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
python=${ALEMBIC_PYTHON:-/usr/bin/python3}
"$python" -c "import alembic" 2>/dev/null || skip "alembic is not installed"
start_cluster
make_empty_project bank
export POSTGRES_HOST=$PGHOST POSTGRES_USER=postgres POSTGRES_DB=bank

# The same four revisions for both: b2 and b3 are branches of b1, b4 joins them.
mkdir -p alembic/versions
cat >alembic.ini <<INI
[alembic]
script_location = alembic
sqlalchemy.url = postgresql://postgres@/bank?host=$PGHOST
INI
cat >alembic/env.py <<'PY'
from alembic import context
from sqlalchemy import create_engine
engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
PY
both() { # ID "PARENTS" UP DOWN
    local parents up=${3:-SELECT 1} down=${4:-SELECT 1}
    parents=$(python3 -c 'import sys; p = sys.argv[1].split(); print(repr(tuple(p) if len(p) > 1 else (p[0] if p else None)))' "$2")
    cat >"alembic/versions/$1.py" <<PY
"""Step $1"""
from alembic import op
revision, down_revision, branch_labels, depends_on = "$1", $parents, None, None
def upgrade():
    op.execute("$up")
def downgrade():
    op.execute("$down")
PY
    add_migration "$1" "${2// /, }" "Step $1" >/dev/null <<SQL
-- belay: upgrade
${3:+$3;}
-- belay: downgrade
${4:+$4;}
SQL
}
both b1 "" "CREATE TABLE one (id int)" "DROP TABLE one"
both b2 b1 "CREATE TABLE two (id int)" "DROP TABLE two"
both b3 b1 "CREATE TABLE three (id int)" "DROP TABLE three"
both b4 "b2 b3" "" ""

# alembic ARGUMENTS...: must succeed; what it said is in $OUT
alembic() {
    LAST="alembic $*"
    "$python" -m alembic.config "$@" >"$OUT" 2>"$ERR" </dev/null || fail "$LAST"
}
tables() {
    sql bank "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
}
rows() {
    sql bank "SELECT coalesce(string_agg(version_num, ',' ORDER BY version_num), '') FROM alembic_version"
}

begin "alembic reads what belay migrated"
belay 0 upgrade b2
alembic current
out_has b2
belay 0 upgrade b3
alembic current
out_has b2
out_has b3
belay 0 upgrade head
alembic current
out_has "b4 (head) (mergepoint)"

begin "alembic moves it on, belay reads that"
alembic downgrade b2
belay 0 current
out_has b2
alembic upgrade head
belay 0 current
out_has b4
belay 0 check
alembic downgrade base
equals rows "$(rows)" ""
equals tables "$(tables)" alembic_version

begin "belay takes over a database that alembic migrated"
sql bank "SET client_min_messages = warning" "DROP SCHEMA belay CASCADE" "DROP TABLE alembic_version"
alembic upgrade b2
belay 0 upgrade heads
ddl=$(schema_of bank --exclude-schema=belay)
equals rows "$(rows)" b4
belay 0 downgrade b1
equals rows "$(rows)" b1
equals tables "$(tables)" alembic_version,one
alembic upgrade head
equals "schema by alembic" "$(schema_of bank --exclude-schema=belay)" "$ddl"

begin "stamps of both are understood"
alembic stamp b1
belay 0 current
out_has b1
belay 0 stamp b2 b3
alembic current
out_has b2
out_has b3
belay 0 stamp --purge b4
alembic current
out_has "b4 (head)"
