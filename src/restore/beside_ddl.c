#include "restore/beside_ddl.h"

#include "restore/qualified.h"
#include "restore/restore.sql.h"
#include "restore/roles.h"
#include "util/stop.h"

/* Each savepoint that writes is a transaction id of its own, and sessions whose snapshots meet more than 64
 * of them in one transaction become slow: entries share one. */
enum { GROUPS = 16 };

/* The owner is who restores. */
static bool is_left_out(const char *sql)
{
    BELAY_AUTO(belay_list_done) belay_list owners = {0};
    belay_roles_collect_owners(sql, &owners);
    return owners.count > 0;
}

static void add_hint(belay_error *err)
{
    static const char missing[] =
        "what the table is made of must be in the database as it was in the snapshot: create it first, or "
        "restore the whole snapshot into another target and copy from there";
    static const char locks[] =
        "raise max_locks_per_transaction and restart the server, or restore fewer tables at once: each new "
        "table, index and sequence takes a lock until the end";
    if (belay_pg_is_missing_name(err))
        belay_error_hint(err, "%s", missing);
    if (belay_equal(err->sqlstate, "53200"))
        belay_error_hint(err, "%s", locks);
}

/* Passes the error on; false. */
static bool fail_with(const belay_error *cause, belay_error *err)
{
    if (err != NULL) {
        *err = *cause;
        add_hint(err);
    }
    return false;
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

/* Some entries under one savepoint. `path`: "", or the one of ddl; `suffix`: behind the first statement of
 * each. */
static bool run(const belay_beside_ddl *ddl, const belay_toc_entry *const *entries, size_t count,
    const char *path, const char *suffix, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_MAX(SIZE_MAX / 2);
    belay_str_appendf(&sql, "SAVEPOINT belay;\n%s", path);
    for (size_t i = 0; i < count; i++)
        append_entry(ddl, entries[i], suffix, &sql);
    belay_str_append(&sql, "SET LOCAL search_path = ''; RELEASE belay");
    return belay_str_check(&sql, "statements", err) && belay_pg_exec(ddl->pg, belay_str_text(&sql), err);
}

static bool roll_back(const belay_beside_ddl *ddl, belay_error *err)
{
    return belay_pg_exec(ddl->pg, "ROLLBACK TO belay", err);
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
    if (belay_equal(entry->type, "FK CONSTRAINT") && belay_equal(cause->sqlstate, "23503")) {
        if (!roll_back(ddl, err))
            return false;
        if (run(ddl, &entry, 1, "", " NOT VALID", &second)) {
            warn(ddl, cause, "the key is there, NOT VALID");
            return true;
        }
    }
    if (!is_verdict(&second))
        return fail_with(&second, err);
    warn(ddl, cause, "it was left out");
    return roll_back(ddl, err);
}

static bool run_entry(const belay_beside_ddl *ddl, const belay_toc_entry *entry, belay_error *err)
{
    belay_error cause = {0};
    if (!belay_stop_check(err))
        return false;
    if (run(ddl, &entry, 1, "", "", &cause))
        return true;
    bool needed = belay_beside_kind_of(entry)->needed;
    if (!needed && belay_pg_is_missing_name(&cause)) {
        if (!roll_back(ddl, err))
            return false;
        if (run(ddl, &entry, 1, ddl->path, "", NULL))
            return true;
    }
    BELAY_AUTO(belay_free) char *label = belay_toc_label(entry);
    belay_error_prefix(&cause, "%s", label);
    return needed ? fail_with(&cause, err) : give_up(ddl, entry, &cause, err);
}

/* All at once, and each alone where that fails. */
static bool run_group(
    const belay_beside_ddl *ddl, const belay_toc_entry *const *entries, size_t count, belay_error *err)
{
    belay_error cause = {0};
    if (count > 1) {
        if (run(ddl, entries, count, "", "", &cause))
            return belay_stop_check(err);
        if (!is_verdict(&cause))
            return fail_with(&cause, err);
        if (!roll_back(ddl, err))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!run_entry(ddl, entries[i], err))
            return false;
    }
    return true;
}

static size_t group_of(size_t count)
{
    return (count + GROUPS - 1) / GROUPS;
}

bool belay_beside_make(
    const belay_beside_ddl *ddl, const char *prologue, size_t from, size_t to, belay_error *err)
{
    size_t group = group_of(to - from);
    if ((prologue != NULL && prologue[0] != '\0' && !belay_pg_exec(ddl->pg, prologue, err)) ||
        !belay_pg_exec(ddl->pg, sql_session_settings, err))
        return false;
    for (size_t i = from; i < to; i += group) {
        if (!run_group(ddl, ddl->plan->entries + i, to - i < group ? to - i : group, err))
            return false;
    }
    return true;
}

static bool analyze(const belay_beside_ddl *ddl, size_t from, size_t to, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_MAX(SIZE_MAX / 2);
    belay_str_appendf(&sql, "SAVEPOINT belay;\n%s", ddl->path);
    for (size_t i = from; i < to; i++) {
        BELAY_AUTO(belay_free) char *name = belay_qualified_name(ddl->plan->tables.items[i]);
        BELAY_AUTO(belay_free) char *moved = belay_quote_qualified(ddl->schema, name);
        belay_str_appendf(&sql, "ANALYZE %s;\n", moved);
    }
    belay_str_append(&sql, "SET LOCAL search_path = ''; RELEASE belay");
    return belay_str_check(&sql, "statements", err) && belay_pg_exec(ddl->pg, belay_str_text(&sql), err);
}

bool belay_beside_analyze(const belay_beside_ddl *ddl, belay_error *err)
{
    size_t count = ddl->plan->tables.count;
    size_t group = group_of(count);
    for (size_t i = 0; i < count; i += group) {
        belay_error cause = {0};
        if (!belay_stop_check(err))
            return false;
        if (analyze(ddl, i, count - i < group ? count : i + group, &cause))
            continue;
        if (!is_verdict(&cause))
            return fail_with(&cause, err);
        belay_say(ddl->reporter, BELAY_DEBUG, "ANALYZE: %s", cause.message);
        if (!roll_back(ddl, err))
            return false;
    }
    return true;
}
