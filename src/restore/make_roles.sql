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

-- query: missing_settings
SELECT want.setting FROM pg_catalog.json_array_elements_text($2::json) WITH ORDINALITY AS want(setting, nr)
WHERE EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = $1)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
        WHERE r.rolname = $1 AND s.setdatabase = 0 AND want.setting = ANY (s.setconfig))
ORDER BY want.nr
