Queries of the rehearsal.

-- query: may_create_databases
SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user
