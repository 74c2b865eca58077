What every connection is asked first, in one round trip: are you the server itself ($1: the process id that the connection
announced)? A pooler's sessions are shared, so settings are made only when it is. $2: those of belay's own queries, too;
$3: the encoding of data.

These are each command's first milliseconds: a new session looks up in the catalogue what a query names, so they name
little, and need no plan.

The reason for each setting is in the manual's chapter 20.11, Client Connection Defaults, and in pg_dump, which pins the same.

-- query: settle
SELECT pg_catalog.pg_backend_pid() = $1::int,
       CASE WHEN pg_catalog.pg_backend_pid() = $1::int THEN ARRAY[
            pg_catalog.set_config('client_connection_check_interval', '2s', false),
            pg_catalog.set_config('tcp_keepalives_idle', '30', false),
            pg_catalog.set_config('tcp_keepalives_interval', '10', false),
            pg_catalog.set_config('tcp_keepalives_count', '3', false),
            pg_catalog.set_config('tcp_user_timeout', '60s', false),
            pg_catalog.set_config('statement_timeout', '0', false),
            pg_catalog.set_config('idle_session_timeout', '0', false),
            pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false),
            CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 170000
                 THEN pg_catalog.set_config('transaction_timeout', '0', false) END] END,
       CASE WHEN $2::bool AND pg_catalog.pg_backend_pid() = $1::int THEN ARRAY[
            pg_catalog.set_config('search_path', '""', false),
            pg_catalog.set_config('DateStyle', 'ISO', false),
            pg_catalog.set_config('IntervalStyle', 'postgres', false),
            pg_catalog.set_config('extra_float_digits', '3', false),
            pg_catalog.set_config('bytea_output', 'hex', false),
            pg_catalog.set_config('row_security', 'off', false),
            pg_catalog.set_config('lock_timeout', '0', false),
            pg_catalog.set_config('synchronize_seqscans', 'off', false),
            pg_catalog.set_config('TimeZone', 'UTC', false),
            pg_catalog.set_config('xmloption', 'content', false),
            pg_catalog.set_config('standard_conforming_strings', 'on', false),
            pg_catalog.set_config('quote_all_identifiers', 'off', false),
            pg_catalog.set_config('array_nulls', 'on', false),
            pg_catalog.set_config('transform_null_equals', 'off', false)] END,
       CASE WHEN $3::bool AND pg_catalog.pg_backend_pid() = $1::int
            THEN pg_catalog.set_config('client_encoding', pg_catalog.getdatabaseencoding()::text, false) END
-- query: behind_pooler
SELECT pg_catalog.current_setting('port'), pg_catalog.host(pg_catalog.inet_server_addr())
