#include "restore/beside_ddl.h"

#include "restore/qualified.h"
#include "restore/restore.sql.h"
#include "restore/roles.h"
#include "util/stop.h"

/* The owner is who restores. */
static bool is_left_out(const char *sql)
{
    BELAY_AUTO(belay_list_done) belay_list owners = {0};
    belay_roles_collect_owners(sql, &owners);
    return owners.count > 0;
}

static bool explain(const belay_toc_entry *entry, belay_error *err)
{
    static const struct {
        const char *sqlstate, *hint;
    } hints[] = {
        {"42704", NULL},
        {"42883", NULL},
        {"3F000", NULL},
        {"42P01", NULL},
        {"53200", "raise max_locks_per_transaction and restart the server, or restore fewer tables at once: "
                  "each new table, index and sequence takes a lock until the end"},
    };
    for (size_t i = 0; err != NULL && i < BELAY_COUNT(hints); i++) {
        if (belay_equal(err->sqlstate, hints[i].sqlstate))
            belay_error_hint(err, "%s",
                hints[i].hint != NULL
                    ? hints[i].hint
                    : "what the table is made of must be in the database as it was in the snapshot: create "
                      "it "
                      "first, or restore the whole snapshot into another target and copy from there");
    }
    BELAY_AUTO(belay_free) char *label = belay_toc_label(entry);
    return belay_error_prefix(err, "%s", label);
}

static void append_entry(
    const belay_beside_ddl *ddl, const belay_toc_entry *entry, const char *suffix, belay_str *sql)
{
    const belay_beside_plan *p = ddl->plan;
    const belay_beside_kind *kind = belay_beside_kind_of(entry);
    if (entry->tablespace != NULL)
        belay_str_appendf(sql, "%s;\n", entry->tablespace);
    if (entry->access_method != NULL)
        belay_str_appendf(sql, "%s;\n", entry->access_method);
    for (size_t i = 0; i < entry->statement_count; i++) {
        const char *statement = entry->statements[i];
        if (is_left_out(statement))
            continue;
        bool any = kind->relations_only || belay_starts_with(statement, "ALTER INDEX ");
        BELAY_AUTO(belay_free)
        char *moved = belay_qualified_move(statement, any ? &p->keys : &p->tables, &p->keys, ddl->schema);
        belay_str_appendf(sql, "%s%s;\n", moved, i == 0 ? suffix : "");
    }
}

/* `path`: "", or the one of ddl. */
static bool run(const belay_beside_ddl *ddl, const belay_toc_entry *entry, const char *path,
    const char *suffix, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_MAX(SIZE_MAX / 2);
    bool needed = belay_beside_kind_of(entry)->needed;
    if (!needed)
        belay_str_appendf(&sql, "SAVEPOINT belay;\n%s", path);
    append_entry(ddl, entry, suffix, &sql);
    if (!needed)
        belay_str_append(&sql, "SET LOCAL search_path = ''; RELEASE belay");
    return belay_str_check(&sql, "statements", err) && belay_pg_exec(ddl->pg, belay_str_text(&sql), err);
}

/* The object's own fault, not the server's or the connection's. */
static bool is_verdict(const belay_error *err)
{
    static const char *const classes[] = {"0A", "22", "23", "38", "39", "42", "55000", "P0"};
    for (size_t i = 0; i < BELAY_COUNT(classes); i++) {
        if (belay_starts_with(err->sqlstate, classes[i]))
            return true;
    }
    return false;
}

static void warn(const belay_beside_ddl *ddl, const belay_error *cause, const char *what)
{
    const char *detail = cause->detail;
    int length = (int)strlen(detail) - belay_ends_with(detail, ".");
    char *text = belay_format("%s%s%.*s; %s", cause->message, length > 0 ? ": " : "", length, detail, what);
    belay_say(ddl->reporter, BELAY_WARN, "%s", text);
    belay_list_add_owned(ddl->warnings, text);
}

static bool give_up(
    const belay_beside_ddl *ddl, const belay_toc_entry *entry, const belay_error *cause, belay_error *err)
{
    belay_error second = *cause;
    bool violated = belay_equal(entry->type, "FK CONSTRAINT") && belay_equal(cause->sqlstate, "23503");
    if (is_verdict(cause) && !belay_pg_exec(ddl->pg, "ROLLBACK TO belay", err))
        return false;
    if (violated && run(ddl, entry, "", " NOT VALID", &second)) {
        warn(ddl, cause, "the key is there, NOT VALID");
        return true;
    }
    if (is_verdict(&second)) {
        warn(ddl, cause, "it was left out");
        return !violated || belay_pg_exec(ddl->pg, "ROLLBACK TO belay", err);
    }
    if (err != NULL)
        *err = second;
    return false;
}

static bool run_entry(const belay_beside_ddl *ddl, const belay_toc_entry *entry, belay_error *err)
{
    belay_error cause = {0};
    if (!belay_stop_check(err))
        return false;
    if (run(ddl, entry, "", "", &cause))
        return true;
    bool needed = belay_beside_kind_of(entry)->needed;
    if (!needed && belay_pg_is_missing_name(&cause)) {
        if (!belay_pg_exec(ddl->pg, "ROLLBACK TO belay", err))
            return false;
        if (run(ddl, entry, ddl->path, "", NULL))
            return true;
    }
    explain(entry, &cause);
    if (!needed)
        return give_up(ddl, entry, &cause, err);
    if (err != NULL)
        *err = cause;
    return false;
}

bool belay_beside_make(
    const belay_beside_ddl *ddl, const char *prologue, size_t from, size_t to, belay_error *err)
{
    if ((prologue != NULL && prologue[0] != '\0' && !belay_pg_exec(ddl->pg, prologue, err)) ||
        !belay_pg_exec(ddl->pg, sql_session_settings, err))
        return false;
    for (size_t i = from; i < to; i++) {
        if (!run_entry(ddl, ddl->plan->entries[i], err))
            return false;
    }
    return true;
}

bool belay_beside_analyze(const belay_beside_ddl *ddl, belay_error *err)
{
    for (size_t i = 0; i < ddl->plan->tables.count; i++) {
        BELAY_AUTO(belay_free) char *name = belay_qualified_name(ddl->plan->tables.items[i]);
        BELAY_AUTO(belay_free) char *moved = belay_quote_qualified(ddl->schema, name);
        belay_error cause = {0};
        if (belay_pg_execf(ddl->pg, &cause,
                "SAVEPOINT belay; %sANALYZE %s; SET LOCAL search_path = ''; RELEASE belay", ddl->path, moved))
            continue;
        if (!is_verdict(&cause)) {
            if (err != NULL)
                *err = cause;
            return belay_error_prefix(err, "ANALYZE %s", moved);
        }
        belay_say(ddl->reporter, BELAY_DEBUG, "ANALYZE %s: %s", moved, cause.message);
        if (!belay_pg_exec(ddl->pg, "ROLLBACK TO belay", err))
            return false;
    }
    return true;
}
