What every connection is asked first, in one round trip: are you the server itself ($1: the process id that the connection
announced)? A pooler's sessions are shared, so settings are made only when it is: $2 names the groups of settings.

The reason for each setting is in the manual's chapter 20.11, Client Connection Defaults, and in pg_dump, which pins the same.

-- query: settle
SELECT pg_catalog.pg_backend_pid() = $1::int, pg_catalog.current_setting('port'),
       pg_catalog.host(pg_catalog.inet_server_addr()),
       (SELECT count(pg_catalog.set_config(s.name, s.value, false))
          FROM (VALUES ('any', 'client_connection_check_interval', '2s'),
                       ('any', 'statement_timeout', '0'), ('any', 'transaction_timeout', '0'),
                       ('any', 'idle_session_timeout', '0'), ('any', 'idle_in_transaction_session_timeout', '0'),
                       ('data', 'client_encoding', pg_catalog.getdatabaseencoding()::text),
                       ('pinned', 'search_path', '""'), ('pinned', 'DateStyle', 'ISO'),
                       ('pinned', 'IntervalStyle', 'postgres'), ('pinned', 'extra_float_digits', '3'),
                       ('pinned', 'bytea_output', 'hex'), ('pinned', 'row_security', 'off'),
                       ('pinned', 'lock_timeout', '0'),
                       ('pinned', 'synchronize_seqscans', 'off'), ('pinned', 'TimeZone', 'UTC'),
                       ('pinned', 'xmloption', 'content'), ('pinned', 'standard_conforming_strings', 'on'),
                       ('pinned', 'quote_all_identifiers', 'off'), ('pinned', 'array_nulls', 'on'),
                       ('pinned', 'transform_null_equals', 'off')) s (kind, name, value)
         WHERE s.kind = ANY ($2::text[])
           AND (s.name <> 'transaction_timeout' OR pg_catalog.current_setting('server_version_num')::int >= 170000) AND pg_catalog.pg_backend_pid() = $1::int)
