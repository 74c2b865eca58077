#include "restore/script.h"

#include "restore/marks.h"
#include "restore/restore.sql.h"
#include "restore/roles.h"
#include "restore/search_path.h"

/* A new table takes locks on itself, its TOAST table, their indexes, its sequence and what it refers to. */
enum { LOCKS_PER_ENTRY = 8, MIN_BATCH = 4, MAX_BATCH = 400 };

bool belay_ddl_init(belay_ddl *script, belay_pg *pg, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_lock_slots, &rows, err))
        return false;
    /* A quarter of the table: other sessions need the rest. */
    int64_t sharers = script->sharers == 0 ? 1 : (int64_t)script->sharers;
    int64_t entries = belay_rows_int(rows, 0, 0) / 4 / LOCKS_PER_ENTRY / sharers;
    script->pg = pg;
    script->batch_entries = entries < MIN_BATCH   ? MIN_BATCH
                            : entries > MAX_BATCH ? MAX_BATCH
                                                  : (size_t)entries;
    script->batch = belay_realloc_array(NULL, script->batch_entries, sizeof(const belay_toc_entry *));
    return true;
}

void belay_ddl_done(belay_ddl *script)
{
    free(script->batch);
    script->batch = NULL;
}

bool belay_ddl_begin(belay_ddl *script, const char *prologue, belay_error *err)
{
    if (!belay_ddl_flush(script, err))
        return false;
    if (prologue != NULL && prologue[0] != '\0' && !belay_pg_exec(script->pg, prologue, err))
        return belay_error_prefix(err, "settings of the schema section");
    /* The texts are UTF-8 or the database's encoding, as the prologue says; bodies are checked when used. */
    return belay_pg_exec(script->pg, sql_session_settings, err);
}

static const char *extension_version(const json_t *extensions, const char *name)
{
    size_t index;
    json_t *extension;
    json_array_foreach(extensions, index, extension)
    {
        const char *candidate = json_string_value(json_object_get(extension, "name"));
        if (candidate != NULL && belay_equal(candidate, name))
            return json_string_value(json_object_get(extension, "version"));
    }
    return NULL;
}

/* Roles mapped, an extension's version pinned. The caller frees. */
static char *sent_statement(const belay_ddl *script, const belay_toc_entry *entry, size_t number)
{
    const char *sql = entry->statements[number];
    if (belay_equal(entry->type, "EXTENSION") && belay_starts_with(sql, "CREATE EXTENSION")) {
        const char *version = extension_version(script->extensions, entry->name);
        if (version != NULL) {
            BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(version);
            return belay_format("%s VERSION %s", sql, quoted);
        }
    }
    return belay_roles_map(sql, script->role_map);
}

/* Settings that the entry was written under, when the session has others. */
static void append_settings(belay_ddl *script, const belay_toc_entry *entry, belay_str *sql)
{
    if (entry->tablespace != NULL &&
        (script->tablespace == NULL || !belay_equal(script->tablespace, entry->tablespace)))
        belay_str_appendf(sql, "%s;\n", entry->tablespace);
    if (entry->access_method != NULL &&
        (script->access_method == NULL || !belay_equal(script->access_method, entry->access_method)))
        belay_str_appendf(sql, "%s;\n", entry->access_method);
    script->tablespace = entry->tablespace;
    script->access_method = entry->access_method;
}

char *belay_ddl_key(const belay_toc_entry *entry)
{
    return belay_format("entry %ld", entry->id);
}

static void append_mark(const belay_ddl *script, const char *key, const char *note, belay_str *sql)
{
    if (script->run_id == NULL)
        return;
    BELAY_AUTO(belay_free) char *insert = belay_marks_insert(script->run_id, false, key, note);
    belay_str_appendf(sql, "%s;\n", insert);
}

static void append_entry(belay_ddl *script, const belay_toc_entry *entry, const char *suffix, belay_str *sql)
{
    BELAY_AUTO(belay_free) char *key = belay_ddl_key(entry);
    append_settings(script, entry, sql);
    for (size_t i = 0; i < entry->statement_count; i++) {
        BELAY_AUTO(belay_free) char *statement = sent_statement(script, entry, i);
        belay_str_append(sql, statement);
        if (i == 0 && suffix != NULL)
            belay_str_append(sql, suffix);
        belay_str_append(sql, ";\n");
    }
    append_mark(script, key, NULL, sql);
}

/* Nothing of a failed transaction stays, nor do the settings that were made in it. */
static void roll_back(belay_ddl *script)
{
    belay_pg_exec(script->pg, "ROLLBACK", NULL);
    script->tablespace = script->access_method = NULL;
}

static bool send(belay_ddl *script, const char *path, const belay_str *body, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_MAX(SIZE_MAX / 2);
    belay_str_appendf(&sql, "BEGIN;\n%s", path);
    belay_str_append_n(&sql, belay_str_text(body), body->length);
    belay_str_append(&sql, "COMMIT");
    if (belay_str_check(&sql, "statements", err) && belay_pg_exec(script->pg, belay_str_text(&sql), err))
        return true;
    roll_back(script);
    return false;
}

/* The statements of one entry; once more where they lean on the source's search_path. */
static bool send_entry(
    belay_ddl *script, const belay_toc_entry *entry, const belay_str *body, belay_error *err)
{
    belay_error first = {0};
    if (send(script, "", body, &first))
        return true;
    BELAY_AUTO(belay_free)
    char *path = script->toc == NULL ? NULL : belay_search_path_sql(script->toc, true);
    if (path != NULL && belay_pg_is_missing_name(&first) && send(script, path, body, NULL))
        return true;
    if (err != NULL)
        *err = first;
    BELAY_AUTO(belay_free) char *label = belay_toc_label(entry);
    return belay_error_prefix(err, "%s", label);
}

bool belay_ddl_run(belay_ddl *script, const belay_toc_entry *entry, const char *suffix, belay_error *err)
{
    if (!belay_ddl_flush(script, err))
        return false;
    if (entry->statement_count == 0)
        return true;
    BELAY_AUTO(belay_str_done) belay_str body = BELAY_STR_MAX(SIZE_MAX / 2);
    append_entry(script, entry, suffix, &body);
    return send_entry(script, entry, &body, err);
}

bool belay_ddl_run_as(belay_ddl *script, const belay_toc_entry *entry, const char *statements,
    const char *key, const char *note, belay_error *err)
{
    if (!belay_ddl_flush(script, err))
        return false;
    BELAY_AUTO(belay_str_done) belay_str body = BELAY_STR_MAX(SIZE_MAX / 2);
    append_settings(script, entry, &body);
    belay_str_appendf(&body, "%s;\n", statements);
    append_mark(script, key, note, &body);
    return send_entry(script, entry, &body, err);
}

bool belay_ddl_is_outside(const belay_error *err)
{
    static const char *const states[] = {"40P01", "55P03"}; /* deadlock, lock timeout */
    for (size_t i = 0; i < BELAY_COUNT(states); i++) {
        if (belay_equal(err->sqlstate, states[i]))
            return true;
    }
    return err->code == BELAY_E_CANCELLED || err->code == BELAY_E_CONNECTION_LOST;
}

bool belay_ddl_try(belay_ddl *script, const belay_toc_entry *const *entries, size_t count, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str body = BELAY_STR_MAX(SIZE_MAX / 2);
    for (size_t i = 0; i < count; i++)
        append_entry(script, entries[i], NULL, &body);
    return send(script, "", &body, err);
}

bool belay_ddl_flush(belay_ddl *script, belay_error *err)
{
    size_t count = script->batch_count;
    if (count == 0)
        return true;
    script->batch_count = 0;
    belay_error first = {0};
    if (belay_ddl_try(script, script->batch, count, &first))
        return true;
    if (belay_ddl_is_outside(&first)) {
        if (err != NULL)
            *err = first;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!belay_ddl_run(script, script->batch[i], NULL, err))
            return false;
    }
    return true;
}

bool belay_ddl_add(belay_ddl *script, const belay_toc_entry *entry, belay_error *err)
{
    if (entry->statement_count == 0)
        return true;
    script->batch[script->batch_count++] = entry;
    return script->batch_count < script->batch_entries || belay_ddl_flush(script, err);
}
