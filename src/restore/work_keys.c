#include "restore/work_keys.h"

#include "restore/entry_sql.h"

static const char violated[] = "23503"; /* foreign_key_violation */

bool belay_work_key_index(belay_ddl *script, const belay_task *task, belay_error *err)
{
    BELAY_AUTO(belay_free) char *index = NULL;
    BELAY_AUTO(belay_free) char *constraint = NULL;
    return belay_entry_split_key(task->entry, &index, &constraint)
               ? belay_ddl_run_as(script, task->entry, index, task->key, NULL, err)
               : belay_fail(err, BELAY_E_INTERNAL, "a key cannot be taken apart");
}

bool belay_work_key(belay_ddl *script, const belay_task *task, belay_error *err)
{
    BELAY_AUTO(belay_free) char *index = NULL;
    BELAY_AUTO(belay_free) char *constraint = NULL;
    BELAY_AUTO(belay_free) char *key = belay_ddl_key(task->entry);
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_INIT;
    if (!belay_entry_split_key(task->entry, &index, &constraint))
        return belay_fail(err, BELAY_E_INTERNAL, "a key cannot be taken apart");
    belay_str_append(&sql, constraint);
    for (size_t i = 1; i < task->entry->statement_count; i++)
        belay_str_appendf(&sql, ";\n%s", task->entry->statements[i]);
    return belay_ddl_run_as(script, task->entry, belay_str_text(&sql), key, NULL, err);
}

static bool give(belay_error *err, const belay_error *cause)
{
    if (err != NULL)
        *err = *cause;
    return false;
}

/* The cause's message names the entry already. The caller frees. */
static char *warning(const belay_error *cause, const char *what)
{
    const char *detail = cause->detail;
    int length = (int)strlen(detail) - belay_ends_with(detail, ".");
    return belay_format("%s%s%.*s; %s", cause->message, length > 0 ? ": " : "", length, detail, what);
}

static const char stays[] = "the key is there, NOT VALID";

/* "ALTER TABLE ONLY ... VALIDATE CONSTRAINT ..." and the like of a partition. The caller frees. */
static char *alter_leaf(const belay_relations *relations, const belay_task *task, long leaf, const char *what)
{
    const belay_relation *r = &relations->items[leaf];
    BELAY_AUTO(belay_free) char *name = belay_quote_qualified(r->schema, r->name);
    return belay_entry_alter(task->entry, name, what);
}

static char *add_to_leaves(const belay_relations *relations, const belay_task *task)
{
    belay_str sql = BELAY_STR_MAX(SIZE_MAX / 2);
    for (size_t i = 0; i < task->leaves->count; i++) {
        const belay_leaf *leaf = &task->leaves->items[i];
        const belay_relation *r = &relations->items[leaf->relation];
        BELAY_AUTO(belay_free) char *name = belay_quote_qualified(r->schema, r->name);
        BELAY_AUTO(belay_free) char *add = belay_entry_add_to(task->entry, name);
        belay_str_appendf(&sql, "%s%s%s", i == 0 ? "" : ";\n", add, leaf->checked ? "" : " NOT VALID");
    }
    return belay_str_steal(&sql);
}

bool belay_work_leaf_keys(
    belay_ddl *script, const belay_relations *relations, const belay_task *task, belay_error *err)
{
    belay_error cause = {0};
    BELAY_AUTO(belay_free) char *sql = add_to_leaves(relations, task);
    if (belay_ddl_run_as(script, task->entry, sql, task->key, NULL, &cause)) {
        atomic_store(&task->leaves->there, true);
        return true;
    }
    return belay_ddl_is_outside(&cause)
               ? give(err, &cause)
               : belay_ddl_run_as(script, task->entry, "SELECT", task->key, "not there", err);
}

/* A key that does not hold leaves nothing at the partitions but what the server's own way would. */
static bool drop_from_leaves(
    belay_ddl *script, const belay_relations *relations, const belay_task *task, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str sql = BELAY_STR_MAX(SIZE_MAX / 2);
    if (task->leaves == NULL || !atomic_load(&task->leaves->there))
        return true;
    for (size_t i = 0; i < task->leaves->count; i++) {
        BELAY_AUTO(belay_free)
        char *drop =
            alter_leaf(relations, task, task->leaves->items[i].relation, "DROP CONSTRAINT IF EXISTS");
        belay_str_appendf(&sql, "%s;\n", drop);
    }
    return belay_pg_exec(script->pg, belay_str_text(&sql), err);
}

/* In one step; a key that does not hold is kept as the server can have it. */
static bool add_whole(belay_ddl *script, const belay_relations *relations, belay_task *task, belay_error *err)
{
    belay_error cause = {0};
    belay_error second = {0};
    BELAY_AUTO(belay_free) char *key = belay_ddl_key(task->entry);
    if (task->leaves != NULL && atomic_load(&task->leaves->violated) &&
        !drop_from_leaves(script, relations, task, err))
        return false;
    if (belay_ddl_run(script, task->entry, NULL, &cause))
        return true;
    if (!belay_equal(cause.sqlstate, violated))
        return give(err, &cause);
    if (!drop_from_leaves(script, relations, task, err))
        return false;
    free(task->text);
    task->text = warning(&cause, stays);
    BELAY_AUTO(belay_free) char *sql = belay_format("%s NOT VALID", task->entry->statements[0]);
    if (belay_ddl_run_as(script, task->entry, sql, key, task->text, &second))
        return true;
    if (belay_ddl_is_outside(&second))
        return give(err, &second);
    free(task->text);
    task->text = warning(&cause, "this server cannot have the key NOT VALID: it was left out");
    task->left_out = true;
    return true;
}

static bool add_not_valid(belay_ddl *script, belay_task *task, belay_error *err)
{
    return belay_ddl_run(
        script, task->entry, belay_entry_is_not_valid(task->entry) ? NULL : " NOT VALID", err);
}

static bool add_small(belay_ddl *script, const belay_relations *relations, belay_task *const *tasks,
    size_t count, belay_error *err)
{
    BELAY_AUTO(belay_free)
    const belay_toc_entry **entries = belay_realloc_array(NULL, count, sizeof *entries);
    belay_error cause = {0};
    for (size_t i = 0; i < count; i++)
        entries[i] = tasks[i]->entry;
    if (belay_ddl_try(script, entries, count, &cause))
        return true;
    if (belay_ddl_is_outside(&cause))
        return give(err, &cause);
    for (size_t i = 0; i < count; i++) {
        if (!add_whole(script, relations, tasks[i], err))
            return false;
    }
    return true;
}

bool belay_work_foreign_keys(belay_ddl *script, const belay_relations *relations, belay_task *const *tasks,
    size_t count, belay_error *err)
{
    if (count > 1)
        return add_small(script, relations, tasks, count, err);
    return tasks[0]->part == 1 ? add_not_valid(script, tasks[0], err)
                               : add_whole(script, relations, tasks[0], err);
}

/* What to do about a row that violates it is the table's own task. */
static bool note_violated(belay_ddl *script, const belay_task *task, belay_error *err)
{
    atomic_store(&task->leaves->violated, true);
    return belay_ddl_run_as(script, task->entry, "SELECT", task->key, NULL, err);
}

bool belay_work_validate(
    belay_ddl *script, const belay_relations *relations, belay_task *task, belay_error *err)
{
    static const char what[] = "VALIDATE CONSTRAINT";
    belay_error cause = {0};
    if (task->leaves != NULL && !atomic_load(&task->leaves->there))
        return true;
    BELAY_AUTO(belay_free)
    char *sql = task->leaves != NULL ? alter_leaf(relations, task, task->relation, what)
                                     : belay_entry_alter(task->entry, NULL, what);
    if (belay_ddl_run_as(script, task->entry, sql, task->key, NULL, &cause))
        return true;
    if (!belay_equal(cause.sqlstate, violated))
        return give(err, &cause);
    if (task->leaves != NULL)
        return note_violated(script, task, err);
    free(task->text);
    task->text = warning(&cause, stays);
    return belay_ddl_run_as(script, task->entry, "SELECT", task->key, task->text, err);
}
