-- Columns that only some versions of pg_database have are taken through its JSON form, where a missing one is NULL.

-- query: dbstate_read
SELECT pg_catalog.json_build_object(
    'name', d.datname, 'owner', pg_catalog.pg_get_userbyid(d.datdba),
    'encoding', pg_catalog.pg_encoding_to_char(d.encoding), 'collate', d.datcollate, 'ctype', d.datctype,
    'provider', coalesce(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c'),
    'locale', coalesce(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale'),
    'icu_rules', pg_catalog.to_jsonb(d) ->> 'daticurules',
    'tablespace', t.spcname, 'connection_limit', d.datconnlimit, 'is_template', d.datistemplate,
    'allow_connections', d.datallowconn, 'comment', pg_catalog.shobj_description(d.oid, 'pg_database'),
    'acl', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'grantee', CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee) END,
                'privilege', x.privilege_type, 'grantable', x.is_grantable,
                'grantor', pg_catalog.pg_get_userbyid(x.grantor))
                -- the owner's first, then in the order of the list, where a right stands before what was given on
                ORDER BY (x.grantor <> d.datdba), x.ordinality), '[]')
            FROM pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) WITH ORDINALITY x),
    'settings', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'role', CASE WHEN s.setrole <> 0 THEN pg_catalog.pg_get_userbyid(s.setrole) END,
                'values', (SELECT pg_catalog.json_agg(v ORDER BY v COLLATE "C") FROM pg_catalog.unnest(s.setconfig) v))
                ORDER BY (s.setrole <> 0), pg_catalog.pg_get_userbyid(s.setrole)::text COLLATE "C"), '[]')
            FROM pg_catalog.pg_db_role_setting s WHERE s.setdatabase = d.oid),
    'labels', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('provider', l.provider, 'label', l.label)
                ORDER BY l.provider COLLATE "C"), '[]')
            FROM pg_catalog.pg_shseclabel l
            WHERE l.objoid = d.oid AND l.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass))
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace
WHERE d.datname = $1
-- query: dbstate_may_be
SELECT pg_catalog.pg_has_role(session_user, $1,
    CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
