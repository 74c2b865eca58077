#include "pg/dbstate.h"

#include "pg/dbstate.sql.h"
#include "util/json.h"
#include "util/stop.h"

bool belay_dbstate_read(belay_pg *pg, const char *dbname, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    if (!belay_pg_value(pg, sql_dbstate_read, (const char *const[]){dbname}, 1, &text, err))
        return belay_error_prefix(err, "cannot read the state of database \"%s\"", dbname);
    if (text == NULL)
        return belay_fail(err, BELAY_E_NO_DATABASE, "database \"%s\" does not exist", dbname);
    json_error_t fault;
    *ret = json_loads(text, 0, &fault);
    return *ret != NULL || belay_fail(err, BELAY_E_INTERNAL, "the state of database \"%s\" is no JSON: %s",
                               dbname, fault.text);
}

static void add_literal(belay_str *to, const char *before, const char *value)
{
    if (value == NULL)
        return;
    BELAY_AUTO(belay_free) char *literal = belay_quote_literal(value);
    belay_str_appendf(to, " %s %s", before, literal);
}

static void add_locale(const json_t *state, int server_version, belay_str *to)
{
    const char *provider = belay_json_text(state, "provider");
    add_literal(to, "LC_COLLATE", belay_json_text(state, "collate"));
    add_literal(to, "LC_CTYPE", belay_json_text(state, "ctype"));
    if (provider == NULL || server_version < 150000)
        return;
    if (belay_equal(provider, "i")) {
        belay_str_append(to, " LOCALE_PROVIDER icu");
        add_literal(to, "ICU_LOCALE", belay_json_text(state, "locale"));
        if (server_version >= 160000)
            add_literal(to, "ICU_RULES", belay_json_text(state, "icu_rules"));
    } else if (belay_equal(provider, "b")) {
        belay_str_append(to, " LOCALE_PROVIDER builtin");
        add_literal(to, "BUILTIN_LOCALE", belay_json_text(state, "locale"));
    } else {
        belay_str_append(to, " LOCALE_PROVIDER libc");
    }
}

void belay_dbstate_create_sql(const json_t *state, const char *dbname, int server_version, belay_str *to)
{
    BELAY_AUTO(belay_free) char *name = belay_quote_ident(dbname);
    const char *tablespace = belay_json_text(state, "tablespace");
    belay_str_appendf(to, "CREATE DATABASE %s TEMPLATE template0", name);
    add_literal(to, "ENCODING", belay_json_text(state, "encoding"));
    add_locale(state, server_version, to);
    if (tablespace != NULL && !belay_equal(tablespace, "pg_default")) {
        BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(tablespace);
        belay_str_appendf(to, " TABLESPACE %s", quoted);
    }
    belay_str_append(to, ";\n");
}

bool belay_dbstate_create(belay_pg *pg, const json_t *state, const char *dbname, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    BELAY_AUTO(belay_free) char *name = belay_quote_ident(dbname);
    belay_dbstate_create_sql(state, dbname, belay_pg_server_version(pg), &sql);
    if (!belay_pg_exec(pg, belay_str_text(&sql), err))
        return false;
    if (belay_pg_execf(pg, err, "REVOKE CONNECT ON DATABASE %s FROM PUBLIC", name))
        return true;
    belay_stop_mask(true);
    belay_pg_execf(pg, NULL, "DROP DATABASE %s WITH (FORCE)", name);
    belay_stop_mask(false);
    return false;
}

/* Settings whose value is a list of identifiers: the stored form is quoted as identifiers, SET wants literals
 * (pg_dump keeps the same list). */
static bool is_list_setting(const char *name, size_t length)
{
    static const char *const lists[] = {"search_path", "temp_tablespaces", "session_preload_libraries",
        "local_preload_libraries", "shared_preload_libraries", "unix_socket_directories"};
    for (size_t i = 0; i < BELAY_COUNT(lists); i++) {
        if (strlen(lists[i]) == length && strncasecmp(lists[i], name, length) == 0)
            return true;
    }
    return false;
}

/* "$user", public -> '$user', 'public' */
static void add_list_value(belay_str *to, const char *value)
{
    bool any = false;
    const char *p = value + strspn(value, " \t\n,");
    while (*p != '\0') {
        BELAY_AUTO(belay_str_done) belay_str item = BELAY_STR_INIT;
        if (*p == '"') {
            for (p++; *p != '\0' && (*p != '"' || p[1] == '"'); p++) {
                p += *p == '"';
                belay_str_append_char(&item, *p);
            }
            p += *p == '"';
        } else {
            size_t length = strcspn(p, ", \t\n");
            belay_str_append_n(&item, p, length);
            p += length;
        }
        BELAY_AUTO(belay_free) char *literal = belay_quote_literal(belay_str_text(&item));
        belay_str_appendf(to, "%s%s", any ? ", " : "", literal);
        any = true;
        p += strspn(p, " \t\n,");
    }
    if (!any)
        belay_str_append(to, "''");
}

void belay_dbstate_add_assignment(const char *setting, belay_str *to)
{
    const char *equals = strchr(setting, '=');
    size_t length = equals == NULL ? strlen(setting) : (size_t)(equals - setting);
    BELAY_AUTO(belay_free) char *key = belay_strndup(setting, length);
    BELAY_AUTO(belay_free) char *quoted_key = belay_quote_ident(key);
    belay_str_appendf(to, "SET %s TO ", quoted_key);
    if (equals == NULL) {
        belay_str_append(to, "DEFAULT");
    } else if (is_list_setting(setting, length)) {
        add_list_value(to, equals + 1);
    } else {
        BELAY_AUTO(belay_free) char *literal = belay_quote_literal(equals + 1);
        belay_str_append(to, literal);
    }
}

static void add_setting(belay_str *to, const char *name, const char *role, const char *setting)
{
    if (role != NULL) {
        BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(role);
        belay_str_appendf(to, "ALTER ROLE %s IN DATABASE %s ", quoted, name);
    } else {
        belay_str_appendf(to, "ALTER DATABASE %s ", name);
    }
    belay_dbstate_add_assignment(setting, to);
    belay_str_append(to, ";\n");
}

static void add_settings(belay_str *to, const json_t *state, const char *name)
{
    size_t i;
    json_t *entry;
    belay_str_appendf(to, "ALTER DATABASE %s RESET ALL;\n", name);
    json_array_foreach(json_object_get(state, "settings"), i, entry)
    {
        size_t j;
        json_t *value;
        json_array_foreach(json_object_get(entry, "values"), j, value)
            add_setting(to, name, belay_json_text(entry, "role"), json_string_value(value));
    }
}

/* Who else than the owner gave a right; NULL: the owner, or an older snapshot that does not tell. */
static const char *other_grantor(const json_t *state, const json_t *grant)
{
    const char *owner = belay_json_text(state, "owner");
    const char *grantor = belay_json_text(grant, "grantor");
    return grantor == NULL || owner == NULL || belay_equal(grantor, owner) ? NULL : grantor;
}

/* GRANTED BY takes the current role only, so the grantor is the current role for a moment. */
static void add_grant(belay_str *to, const json_t *grant, const char *name, const char *grantor)
{
    const char *grantee = belay_json_text(grant, "grantee");
    BELAY_AUTO(belay_free) char *quoted = grantee == NULL ? NULL : belay_quote_ident(grantee);
    BELAY_AUTO(belay_free) char *role = grantor == NULL ? NULL : belay_quote_ident(grantor);
    if (role != NULL)
        belay_str_appendf(to, "SET ROLE %s;\n", role);
    belay_str_appendf(to, "GRANT %s ON DATABASE %s TO %s%s;\n", belay_json_text(grant, "privilege"), name,
        quoted == NULL ? "PUBLIC" : quoted,
        json_is_true(json_object_get(grant, "grantable")) ? " WITH GRANT OPTION" : "");
    if (role != NULL)
        belay_str_append(to, "RESET ROLE;\n");
}

static void add_acl(
    belay_str *to, const json_t *state, const char *name, const char *owner, const belay_list *barred)
{
    size_t i;
    json_t *grant;
    belay_str_appendf(to, "REVOKE ALL ON DATABASE %s FROM PUBLIC;\n", name);
    if (owner != NULL)
        belay_str_appendf(to, "REVOKE ALL ON DATABASE %s FROM %s;\n", name, owner);
    json_array_foreach(json_object_get(state, "acl"), i, grant)
    {
        const char *grantor = other_grantor(state, grant);
        if (grantor != NULL && barred != NULL && belay_list_has(barred, grantor))
            grantor = NULL;
        add_grant(to, grant, name, grantor);
    }
}

/* `barred`: grantors that the connection's role cannot become; the owner gives their rights. */
static void add_state(belay_str *to, const json_t *state, const char *dbname, const belay_list *barred)
{
    BELAY_AUTO(belay_free) char *name = belay_quote_ident(dbname);
    const char *owner_name = belay_json_text(state, "owner");
    BELAY_AUTO(belay_free) char *owner = owner_name == NULL ? NULL : belay_quote_ident(owner_name);
    const char *comment = belay_json_text(state, "comment");
    BELAY_AUTO(belay_free) char *quoted_comment = comment == NULL ? NULL : belay_quote_literal(comment);
    if (owner != NULL)
        belay_str_appendf(to, "ALTER DATABASE %s OWNER TO %s;\n", name, owner);
    add_acl(to, state, name, owner, barred);
    add_settings(to, state, name);
    belay_str_appendf(to, "ALTER DATABASE %s CONNECTION LIMIT %lld IS_TEMPLATE %s;\n", name,
        (long long)json_integer_value(json_object_get(state, "connection_limit")),
        json_is_true(json_object_get(state, "is_template")) ? "true" : "false");
    belay_str_appendf(
        to, "COMMENT ON DATABASE %s IS %s;\n", name, quoted_comment == NULL ? "NULL" : quoted_comment);
    size_t i;
    json_t *label;
    json_array_foreach(json_object_get(state, "labels"), i, label)
    {
        BELAY_AUTO(belay_free) char *provider = belay_quote_ident(belay_json_text(label, "provider"));
        BELAY_AUTO(belay_free) char *text = belay_quote_literal(belay_json_text(label, "label"));
        belay_str_appendf(to, "SECURITY LABEL FOR %s ON DATABASE %s IS %s;\n", provider, name, text);
    }
}

void belay_dbstate_apply_sql(const json_t *state, const char *dbname, belay_str *to)
{
    add_state(to, state, dbname, NULL);
}

bool belay_dbstate_barred_grantors(belay_pg *pg, const json_t *state, belay_list *ret, belay_error *err)
{
    size_t i;
    json_t *grant;
    json_array_foreach(json_object_get(state, "acl"), i, grant)
    {
        BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
        const char *grantor = other_grantor(state, grant);
        if (grantor == NULL || belay_list_has(ret, grantor))
            continue;
        if (!belay_pg_queryp(pg, sql_dbstate_may_be, &rows, err, grantor))
            return false;
        if (!belay_rows_bool(rows, 0, 0))
            belay_list_add(ret, grantor);
    }
    return true;
}

bool belay_dbstate_apply(belay_pg *pg, const json_t *state, const char *dbname, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    BELAY_AUTO(belay_list_done) belay_list barred = {0};
    if (!belay_dbstate_barred_grantors(pg, state, &barred, err))
        return false;
    add_state(&sql, state, dbname, &barred);
    return belay_pg_exec(pg, belay_str_text(&sql), err) ||
           belay_error_prefix(err, "cannot give database \"%s\" its owner, rights and settings", dbname);
}
