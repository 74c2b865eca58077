Queries of the rehearsal.

-- query: may_create_databases
SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user

-- query: role_exists
SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1
