#include "restore/check.h"

#include "restore/make_roles.h"
#include "restore/restore.sql.h"
#include "restore/roles.h"
#include "restore/sql_token.h"
#include "util/json.h"

typedef struct look {
    const belay_restore_options *options;
    const belay_toc *toc;
} look;

typedef bool check_function(const look *l, belay_error *err);

static const belay_list *role_map(const look *l)
{
    return l->options->target == NULL ? NULL : &l->options->target->role_map;
}

static bool check_server(const look *l, belay_error *err)
{
    json_int_t theirs = json_integer_value(json_object_get(l->toc->header, "server_version"));
    int ours = belay_pg_server_version(l->options->maintenance);
    if (theirs / 10000 <= ours / 10000)
        return true;
    belay_fail(err, BELAY_E_PREFLIGHT,
        "the snapshot comes from PostgreSQL %d, the server at %s is PostgreSQL %d: a newer server's snapshot "
        "does not go into an older one",
        (int)(theirs / 10000), belay_pg_address(l->options->maintenance), ours / 10000);
    return belay_error_hint(err, "restore it into a server of version %d or newer", (int)(theirs / 10000));
}

/* The rows of a query about header.json's extensions. */
static bool ask_of_extensions(const look *l, const char *sql, belay_rows **ret, belay_error *err)
{
    const json_t *extensions = json_object_get(l->toc->header, "extensions");
    BELAY_AUTO(belay_free)
    char *text = json_is_array(extensions) ? json_dumps(extensions, JSON_COMPACT) : NULL;
    return belay_pg_queryp(l->options->maintenance, sql, ret, err, text == NULL ? "[]" : text);
}

static bool check_extensions(const look *l, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!ask_of_extensions(l, sql_missing_extensions, &rows, err))
        return false;
    if (belay_rows_count(rows) == 0)
        return true;
    BELAY_AUTO(belay_str_done) belay_str missing = BELAY_STR_INIT;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_str_appendf(&missing, "%s%s %s (%s%s)", i == 0 ? "" : ", ", belay_rows_text(rows, i, 0),
            belay_rows_text(rows, i, 1),
            belay_rows_is_null(rows, i, 2) ? "none installed" : "offered: ", belay_rows_text(rows, i, 2));
    belay_fail(err, BELAY_E_PREFLIGHT, "the server does not offer extensions at the snapshot's versions: %s",
        belay_str_text(&missing));
    return belay_error_hint(err, "install the packages of those extension versions on the server");
}

static void add_mapped(const look *l, const belay_list *names, belay_list *ret)
{
    const belay_list *map = role_map(l);
    for (size_t i = 0; i < names->count; i++) {
        const char *mapped = map == NULL ? names->items[i] : belay_roles_lookup(names->items[i], map);
        if (!belay_list_has(ret, mapped))
            belay_list_add(ret, mapped);
    }
}

/* The roles that `collect` finds in any statement. */
static void collect_roles(const look *l, void (*collect)(const char *sql, belay_list *ret), belay_list *ret)
{
    for (size_t i = 0; i < l->toc->count; i++) {
        for (size_t s = 0; s < l->toc->entries[i].statement_count; s++)
            collect(l->toc->entries[i].statements[s], ret);
    }
}

void belay_restore_wanted_roles(const belay_restore_options *options, const belay_toc *toc, belay_list *ret)
{
    const look l = {options, toc};
    BELAY_AUTO(belay_list_done) belay_list named = {0};
    collect_roles(&l, belay_roles_collect, &named);
    if (options->apply_dbstate && options->state == NULL)
        belay_roles_collect_state(json_object_get(toc->header, "database"), &named);
    add_mapped(&l, &named, ret);
}

static bool check_roles(const look *l, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list wanted = {0};
    belay_restore_wanted_roles(l->options, l->toc, &wanted);
    return l->options->create_roles ? belay_roles_may_make(l->options->maintenance, &wanted, err)
                                    : belay_roles_require(l->options->maintenance, &wanted, role_map(l), err);
}

/* Asks `sql`, whose $1 is a JSON list of names, for one text; NULL is what it should be. */
static bool ask_of_names(
    const look *l, const char *sql, const belay_list *names, char **ret, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *list = belay_json_of_list(names);
    BELAY_AUTO(belay_free) char *text = json_dumps(list, JSON_COMPACT);
    return belay_pg_value(l->options->maintenance, sql, (const char *const[]){text}, 1, ret, err);
}

static bool check_owners(const look *l, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list named = {0};
    BELAY_AUTO(belay_list_done) belay_list wanted = {0};
    BELAY_AUTO(belay_free) char *foreign = NULL;
    collect_roles(l, belay_roles_collect_owners, &named);
    add_mapped(l, &named, &wanted);
    if (!ask_of_names(l, sql_foreign_owners, &wanted, &foreign, err))
        return false;
    if (foreign == NULL)
        return true;
    belay_fail(
        err, BELAY_E_PREFLIGHT, "this role may not give the snapshot's objects to their owners: %s", foreign);
    return belay_error_hint(
        err, "GRANT those roles to it, map them with `role_map`, or restore as a superuser");
}

static void collect_tablespace(const char *setting, belay_list *ret)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    belay_tokens_read(setting, 0, &tokens);
    /* SET default_tablespace = name ; */
    BELAY_AUTO(belay_free) char *name = tokens.count > 3 ? belay_token_name(&tokens.items[3]) : NULL;
    if (name != NULL && name[0] != '\0' && !belay_list_has(ret, name))
        belay_list_add(ret, name);
}

static bool check_tablespaces(const look *l, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list wanted = {0};
    BELAY_AUTO(belay_free) char *faults = NULL;
    const json_t *state =
        l->options->state != NULL ? l->options->state : json_object_get(l->toc->header, "database");
    const char *own = json_string_value(json_object_get(state, "tablespace"));
    if (own != NULL && !belay_equal(own, "pg_default"))
        belay_list_add(&wanted, own);
    for (size_t i = 0; i < l->toc->count; i++) {
        if (l->toc->entries[i].tablespace != NULL)
            collect_tablespace(l->toc->entries[i].tablespace, &wanted);
    }
    if (!ask_of_names(l, sql_tablespace_faults, &wanted, &faults, err))
        return false;
    if (faults == NULL)
        return true;
    belay_fail(err, BELAY_E_PREFLIGHT, "tablespaces that the snapshot's objects are in: %s", faults);
    return belay_error_hint(
        err, "CREATE TABLESPACE ... LOCATION ..., GRANT CREATE ON TABLESPACE ... TO this role");
}

/* Kinds of objects that only a superuser may create. */
static bool is_for_superusers(const char *type)
{
    static const char *const types[] = {"EVENT TRIGGER", "FOREIGN DATA WRAPPER", "ACCESS METHOD"};
    for (size_t i = 0; i < BELAY_COUNT(types); i++) {
        if (belay_equal(type, types[i]))
            return true;
    }
    return false;
}

static bool check_creatable(const look *l, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str what = BELAY_STR_INIT;
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_free) char *super = NULL;
    if (!belay_pg_value(l->options->maintenance, sql_is_superuser, NULL, 0, &super, err) ||
        !ask_of_extensions(l, sql_untrusted_extensions, &rows, err))
        return false;
    if (belay_equal(super, "t"))
        return true;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_str_appendf(&what, "%sextension %s", what.length == 0 ? "" : ", ", belay_rows_text(rows, i, 0));
    for (size_t i = 0; i < l->toc->count; i++) {
        const belay_toc_entry *entry = &l->toc->entries[i];
        if (!is_for_superusers(entry->type))
            continue;
        BELAY_AUTO(belay_free) char *label = belay_toc_label(entry);
        belay_str_appendf(&what, "%s%s", what.length == 0 ? "" : ", ", label);
    }
    if (what.length == 0)
        return true;
    belay_fail(err, BELAY_E_PREFLIGHT, "only a superuser may create what is in the snapshot: %s",
        belay_str_text(&what));
    return belay_error_hint(err, "restore with a superuser as the target's user");
}

/* Whoever makes them afterwards says then what failed: no reason to be without the rest. */
static bool check_subscriptions(const look *l, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list found = {0};
    BELAY_AUTO(belay_free) char *may = NULL;
    for (size_t i = 0; l->options->subscribes && i < l->toc->count; i++) {
        const belay_toc_entry *entry = &l->toc->entries[i];
        if (belay_equal(entry->type, "SUBSCRIPTION"))
            belay_list_add(&found, entry->name);
    }
    if (found.count == 0)
        return true;
    if (!belay_pg_value(l->options->maintenance, sql_may_subscribe, NULL, 0, &may, err))
        return false;
    if (belay_equal(may, "t"))
        return true;
    BELAY_AUTO(belay_free) char *names = belay_list_join(&found, ", ");
    belay_fail(err, BELAY_E_PREFLIGHT,
        "this role may not create the snapshot's subscriptions (%s): all else is restored, and what makes "
        "them is printed",
        names);
    return belay_error_hint(err, "restore with a superuser as the target's user, or, from PostgreSQL 16 on, "
                                 "GRANT pg_create_subscription to it");
}

static const struct {
    const char *name;
    check_function *run;
    bool rights;
    belay_verdict verdict; /* when it fails */
} checks[] = {
    {"snapshot_server", check_server, false, BELAY_REFUSE},
    {"snapshot_extensions", check_extensions, false, BELAY_REFUSE},
    {"snapshot_roles", check_roles, false, BELAY_REFUSE},
    {"snapshot_owners", check_owners, true, BELAY_REFUSE},
    {"snapshot_tablespaces", check_tablespaces, true, BELAY_REFUSE},
    {"snapshot_rights", check_creatable, true, BELAY_REFUSE},
    {"snapshot_subscriptions", check_subscriptions, true, BELAY_WARNING},
};

const char *belay_restore_check_name(size_t index)
{
    return index < BELAY_COUNT(checks) ? checks[index].name : NULL;
}

void belay_restore_look(
    const belay_restore_options *options, const belay_toc *toc, bool rights, belay_check_report *ret)
{
    const look l = {options, toc};
    for (size_t i = 0; i < BELAY_COUNT(checks); i++) {
        belay_error err = {0};
        size_t before = ret->count;
        if (checks[i].rights && !rights)
            continue;
        if (!checks[i].run(&l, &err))
            belay_check_report_add_error(ret, checks[i].name, checks[i].verdict, &err);
        belay_check_report_settle(ret, checks[i].name, before, options->reporter);
    }
}
