#include "restore/make_roles.h"

#include "restore/make_roles.sql.h"
#include "restore/restore.sql.h"
#include "restore/role_settings.h"
#include "restore/roles.h"
#include "util/json.h"

typedef struct maker {
    belay_pg *pg;
    const json_t *recorded;
    const belay_list *map;
    belay_reporter *reporter;
    belay_list made;
    bool super; /* the role that creates them */
} maker;

/* What CREATE ROLE says of each attribute. */
static const struct {
    const char *key;
    const char *yes, *no;
} given[] = {{"login", "LOGIN", "NOLOGIN"}, {"inherit", "INHERIT", "NOINHERIT"},
    {"createdb", "CREATEDB", "NOCREATEDB"}};

/* Never given by a snapshot's word. */
static const struct {
    const char *key;
    const char *word;
} withheld[] = {{"superuser", "SUPERUSER"}, {"createrole", "CREATEROLE"}, {"replication", "REPLICATION"},
    {"bypassrls", "BYPASSRLS"}};

static const char *mapped(const maker *m, const char *name)
{
    return m->map == NULL ? name : belay_roles_lookup(name, m->map);
}

/* The recorded role that is called `name` on this server; NULL when there is none. */
static const json_t *find(const maker *m, const char *name)
{
    for (size_t i = 0; i < json_array_size(m->recorded); i++) {
        const json_t *role = json_array_get(m->recorded, i);
        if (belay_equal(mapped(m, belay_json_text_or(role, "name", "")), name))
            return role;
    }
    return NULL;
}

/* Those of `names` that the server lacks. */
static bool find_missing(belay_pg *pg, const belay_list *names, belay_list *ret, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *list = belay_json_of_list(names);
    BELAY_AUTO(belay_free) char *text = json_dumps(list, JSON_COMPACT);
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(pg, sql_missing_roles, &rows, err, text))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_list_add(ret, belay_rows_text(rows, i, 0));
    return true;
}

/* Parents of missing roles may be missing as well; those of roles that exist are not looked at. */
static bool find_all_missing(maker *m, const belay_list *wanted, belay_list *ret, belay_error *err)
{
    if (!find_missing(m->pg, wanted, ret, err))
        return false;
    for (size_t i = 0; i < ret->count; i++) {
        const json_t *parents = json_object_get(find(m, ret->items[i]), "member_of");
        BELAY_AUTO(belay_list_done) belay_list names = {0};
        BELAY_AUTO(belay_list_done) belay_list missing = {0};
        for (size_t p = 0; p < json_array_size(parents); p++)
            belay_list_add(&names, mapped(m, belay_json_text_or(json_array_get(parents, p), "role", "")));
        if (!find_missing(m->pg, &names, &missing, err))
            return false;
        for (size_t n = 0; n < missing.count; n++) {
            if (!belay_list_has(ret, missing.items[n]) && !belay_starts_with(missing.items[n], "pg_"))
                belay_list_add(ret, missing.items[n]);
        }
    }
    return true;
}

static void append_attributes(const json_t *role, belay_str *sql)
{
    for (size_t i = 0; i < BELAY_COUNT(given); i++)
        belay_str_appendf(
            sql, " %s", json_is_true(json_object_get(role, given[i].key)) ? given[i].yes : given[i].no);
    const json_t *limit = json_object_get(role, "connection_limit");
    const char *until = belay_json_text(role, "valid_until");
    if (json_is_integer(limit))
        belay_str_appendf(sql, " CONNECTION LIMIT %lld", (long long)json_integer_value(limit));
    if (until != NULL) {
        BELAY_AUTO(belay_free) char *literal = belay_quote_literal(until);
        belay_str_appendf(sql, " VALID UNTIL %s", literal);
    }
}

static void warn_of_withheld(const maker *m, const json_t *role, const char *name, const char *quoted)
{
    for (size_t i = 0; i < BELAY_COUNT(withheld); i++) {
        if (json_is_true(json_object_get(role, withheld[i].key)))
            belay_say(m->reporter, BELAY_WARN,
                "role %s was %s where the snapshot was taken and is not here; if it is to be: ALTER ROLE %s "
                "%s",
                name, withheld[i].word, quoted, withheld[i].word);
    }
}

static bool create(maker *m, const char *name, belay_error *err)
{
    const json_t *role = find(m, name);
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(name);
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    belay_str_appendf(&sql, "CREATE ROLE %s", quoted);
    if (role != NULL)
        append_attributes(role, &sql);
    if (!belay_pg_exec(m->pg, belay_str_text(&sql), err) ||
        (!m->super && !belay_pg_execf(m->pg, err, "GRANT %s TO CURRENT_USER", quoted)))
        return belay_error_prefix(err, "creating role %s", name);
    belay_say(m->reporter, BELAY_NOTICE, "created role %s%s", name,
        json_is_true(json_object_get(role, "login")) ? ", without a password" : "");
    warn_of_withheld(m, role, name, quoted);
    return true;
}

static void append_option(
    belay_str *sql, const json_t *membership, const char *key, const char *word, const char **separator)
{
    const json_t *value = json_object_get(membership, key);
    if (!json_is_boolean(value))
        return;
    belay_str_appendf(sql, "%s%s %s", *separator, word, json_is_true(value) ? "TRUE" : "FALSE");
    *separator = ", ";
}

/* Before version 16 a membership has the admin option, and no others. */
static char *grant_statement(const maker *m, const json_t *membership, const char *parent, const char *name)
{
    BELAY_AUTO(belay_free) char *role = belay_quote_ident(parent);
    BELAY_AUTO(belay_free) char *member = belay_quote_ident(name);
    belay_str sql = BELAY_STR_INIT;
    const char *separator = " WITH ";
    belay_str_appendf(&sql, "GRANT %s TO %s", role, member);
    if (belay_pg_server_version(m->pg) >= 160000) {
        append_option(&sql, membership, "admin", "ADMIN", &separator);
        append_option(&sql, membership, "inherit", "INHERIT", &separator);
        append_option(&sql, membership, "set", "SET", &separator);
    } else if (json_is_true(json_object_get(membership, "admin"))) {
        belay_str_append(&sql, " WITH ADMIN OPTION");
    }
    return belay_str_steal(&sql);
}

static bool grant(maker *m, const json_t *membership, const char *name, belay_error *err)
{
    const char *parent = mapped(m, belay_json_text_or(membership, "role", ""));
    BELAY_AUTO(belay_free) char *sql = grant_statement(m, membership, parent, name);
    BELAY_AUTO(belay_free) char *barred = NULL;
    if (!belay_pg_value(m->pg, sql_leads_to_superuser, (const char *const[]){parent}, 1, &barred, err))
        return false;
    if (belay_equal(barred, "t")) {
        belay_say(m->reporter, BELAY_WARN, "role %s was a member of %s and is not here; if it is to be: %s",
            name, parent, sql);
        return true;
    }
    return belay_pg_exec(m->pg, sql, err) || belay_error_prefix(err, "role %s", name);
}

static bool grant_all(maker *m, const char *name, belay_error *err)
{
    const json_t *list = json_object_get(find(m, name), "member_of");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!grant(m, json_array_get(list, i), name, err))
            return false;
    }
    return true;
}

static bool make_all(maker *m, const belay_list *missing, belay_error *err)
{
    if (!belay_pg_exec(m->pg, "BEGIN", err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < missing->count; i++)
        ok = create(m, missing->items[i], err);
    for (size_t i = 0; ok && i < missing->count; i++)
        ok = grant_all(m, missing->items[i], err) &&
             belay_role_settings_give(m->pg, find(m, missing->items[i]), missing->items[i], err);
    if (ok && belay_pg_exec(m->pg, "COMMIT", err))
        return true;
    belay_pg_exec(m->pg, "ROLLBACK", NULL);
    return false;
}

bool belay_roles_make(belay_pg *pg, const json_t *recorded, const belay_list *wanted, const belay_list *map,
    belay_reporter *reporter, belay_error *err)
{
    maker m = {.pg = pg, .recorded = recorded, .map = map, .reporter = reporter};
    BELAY_AUTO(belay_list_done) belay_list missing = {0};
    BELAY_AUTO(belay_free) char *super = NULL;
    if (!find_all_missing(&m, wanted, &missing, err))
        return false;
    if (missing.count == 0)
        return true;
    if (!belay_pg_value(pg, sql_is_superuser, NULL, 0, &super, err))
        return false;
    m.super = belay_equal(super, "t");
    return make_all(&m, &missing, err);
}

bool belay_roles_may_make(belay_pg *pg, const belay_list *wanted, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list missing = {0};
    BELAY_AUTO(belay_free) char *may = NULL;
    if (!find_missing(pg, wanted, &missing, err) ||
        (missing.count > 0 && !belay_pg_value(pg, sql_may_create_roles, NULL, 0, &may, err)))
        return false;
    if (missing.count == 0 || belay_equal(may, "t"))
        return true;
    BELAY_AUTO(belay_free) char *names = belay_list_join(&missing, ", ");
    belay_fail(err, BELAY_E_PREFLIGHT, "this role may not create the roles that the server lacks: %s", names);
    return belay_error_hint(err, "ALTER ROLE ... CREATEROLE, or create them as a superuser");
}

static bool names_one(const json_t *entry, const belay_list *missing)
{
    static const char *const keys[] = {"grantee", "grantor", "role"};
    for (size_t i = 0; i < BELAY_COUNT(keys); i++) {
        const char *name = belay_json_text(entry, keys[i]);
        if (name != NULL && belay_list_has(missing, name))
            return true;
    }
    return false;
}

static void leave_out(json_t *list, const belay_list *missing)
{
    for (size_t i = json_array_size(list); i > 0; i--) {
        if (names_one(json_array_get(list, i - 1), missing))
            json_array_remove(list, i - 1);
    }
}

bool belay_roles_present_state(belay_pg *pg, const json_t *state, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list named = {0};
    BELAY_AUTO(belay_list_done) belay_list missing = {0};
    belay_roles_collect_state(state, &named);
    if (!find_missing(pg, &named, &missing, err))
        return false;
    *ret = json_deep_copy(state);
    const char *owner = belay_json_text(*ret, "owner");
    if (owner != NULL && belay_list_has(&missing, owner))
        json_object_set_new(*ret, "owner", json_null());
    leave_out(json_object_get(*ret, "acl"), &missing);
    leave_out(json_object_get(*ret, "settings"), &missing);
    return true;
}
