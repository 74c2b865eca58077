/* Indexes and keys. */
#include "restore/entry_sql.h"
#include "restore/tasks_parts.h"

enum {
    SPLIT_KEY_BYTES = 8 * 1024 * 1024
}; /* a table's rows, from where its indexes are built side by side */

static char *index_key(const belay_toc_entry *entry)
{
    return belay_format("index %ld", entry->id);
}

static void add_split_key(belay_tasks_builder *b, const belay_toc_entry *entry, long relation)
{
    BELAY_AUTO(belay_free) char *key = index_key(entry);
    belay_task make = {.kind = BELAY_TASK_KEY_INDEX, .entry = entry, .relation = relation};
    belay_task use = {.kind = BELAY_TASK_KEY, .entry = entry, .relation = relation};
    belay_tasks_claim(b, &make, relation, false, false);
    belay_tasks_claim(b, &use, relation, false, true);
    size_t used = belay_tasks_add(b, use, belay_tasks_bytes_of(b, relation));
    belay_tasks_depend(b, used, belay_tasks_loaded_of(b, relation));
    belay_tasks_depend(b, b->stands[relation].keyed, used);
    belay_tasks_depend(b, b->all_keyed, used);
    if (belay_tasks_is_done(b, key))
        return;
    make.key = belay_take(key);
    size_t made = belay_tasks_add(b, make, belay_tasks_bytes_of(b, relation));
    belay_tasks_depend(b, made, belay_tasks_loaded_of(b, relation));
    belay_tasks_depend(b, used, made);
}

static bool wants_split(const belay_tasks_builder *b, const belay_toc_entry *entry, long relation)
{
    BELAY_AUTO(belay_free) char *index = NULL;
    BELAY_AUTO(belay_free) char *constraint = NULL;
    BELAY_AUTO(belay_free) char *key = index_key(entry);
    if (belay_tasks_is_done(b, key)) /* by an attempt before, which may have had other jobs */
        return true;
    return relation != BELAY_NO_RELATION && b->from->jobs > 1 &&
           b->from->relations->items[relation].kind == 'r' &&
           belay_tasks_bytes_of(b, relation) >= SPLIT_KEY_BYTES &&
           belay_entry_split_key(entry, &index, &constraint);
}

void belay_tasks_add_index(belay_tasks_builder *b, const belay_toc_entry *entry)
{
    long relation = belay_entry_table(entry, b->from->relations);
    bool constraint = belay_equal(entry->type, "CONSTRAINT");
    if (belay_tasks_entry_is_done(b, entry))
        return;
    if (constraint && wants_split(b, entry, relation)) {
        add_split_key(b, entry, relation);
        return;
    }
    belay_task task = {.kind = BELAY_TASK_ENTRY, .entry = entry, .relation = relation};
    task.small = belay_tasks_bytes_of(b, relation) < BELAY_SMALL_BYTES;
    /* An entry may say more than CREATE INDEX: CLUSTER ON, REPLICA IDENTITY. */
    bool shared = belay_equal(entry->type, "INDEX") && entry->statement_count == 1;
    belay_tasks_claim(b, &task, relation, false, !shared);
    size_t node = belay_tasks_add(b, task, belay_tasks_bytes_of(b, relation));
    belay_tasks_depend(b, node, belay_tasks_loaded_of(b, relation));
    belay_tasks_depend(b, b->all_keyed, node);
    if (relation != BELAY_NO_RELATION)
        belay_tasks_depend(b, b->stands[relation].keyed, node);
}
