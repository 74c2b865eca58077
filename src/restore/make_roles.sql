Queries about roles that are to be created: all names are qualified, the search_path is empty.

-- query: missing_roles
SELECT want.name FROM pg_catalog.json_array_elements_text($1::json) WITH ORDINALITY AS want(name, nr)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = want.name)
ORDER BY want.nr

-- query: may_create_roles
SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user

-- query: leads_to_superuser
SELECT $1 LIKE 'pg\_%' OR EXISTS (SELECT FROM pg_catalog.pg_roles r, pg_catalog.pg_roles s
    WHERE r.rolname = $1 AND s.rolsuper AND pg_catalog.pg_has_role(r.oid, s.oid, 'MEMBER'))
