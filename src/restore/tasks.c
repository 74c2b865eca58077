#include "restore/tasks.h"

#include "restore/script.h"
#include "restore/tasks_parts.h"

/* Which comes first among what is ready, before the bytes of its table. What fills gaps has the last places.
 */
enum { CLASS_FILL = 0, CLASS_STATISTICS = 1, CLASS_LOAD = 2, CLASS_AT_ONCE = 3, CLASS_SHIFT = 56 };

static const struct {
    int rank;
    bool loading;
} kinds[BELAY_TASK_KINDS] = {
    [BELAY_TASK_BARRIER] = {CLASS_AT_ONCE, false},
    [BELAY_TASK_LOAD] = {CLASS_LOAD, true},
    [BELAY_TASK_CHUNK] = {CLASS_LOAD, true},
    [BELAY_TASK_OBJECTS] = {CLASS_LOAD, true},
    [BELAY_TASK_SEQUENCES] = {CLASS_LOAD, true},
    [BELAY_TASK_ENTRY] = {CLASS_LOAD, true},
    [BELAY_TASK_KEY_INDEX] = {CLASS_LOAD, true},
    [BELAY_TASK_KEY] = {CLASS_AT_ONCE, true},
    [BELAY_TASK_ATTACH] = {CLASS_AT_ONCE, true},
    [BELAY_TASK_LEAF_KEYS] = {CLASS_AT_ONCE, true},
    [BELAY_TASK_FOREIGN_KEY] = {CLASS_AT_ONCE, true},
    [BELAY_TASK_VALIDATE] = {CLASS_LOAD, true},
    [BELAY_TASK_REST] = {CLASS_AT_ONCE, true},
    [BELAY_TASK_VIEWS] = {CLASS_LOAD, true},
    [BELAY_TASK_VACUUM] = {CLASS_STATISTICS, false},
    [BELAY_TASK_ANALYZE] = {CLASS_STATISTICS, false},
    [BELAY_TASK_COMPARE] = {CLASS_FILL, false},
    [BELAY_TASK_COMPARE_GENERATED] = {CLASS_FILL, false},
    [BELAY_TASK_COMPARE_OBJECTS] = {CLASS_FILL, false},
};

bool belay_task_is_loading(const belay_task *task)
{
    return kinds[task->kind].loading;
}

uint64_t belay_tasks_rows_bytes(const belay_tasks *tasks)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        const belay_task *task = &tasks->items[i];
        if (task->kind == BELAY_TASK_LOAD)
            bytes += task->table->raw_bytes;
        if (task->kind == BELAY_TASK_CHUNK)
            bytes += task->table->raw_bytes / task->parts;
    }
    return bytes;
}

size_t belay_tasks_chunks(const belay_tasks *tasks)
{
    size_t chunks = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        const belay_task *task = &tasks->items[i];
        chunks += task->kind == BELAY_TASK_CHUNK  ? 1
                  : task->kind == BELAY_TASK_LOAD ? task->table->chunk_count
                                                  : 0;
    }
    return chunks;
}

static bool meet(const belay_claim *a, const belay_claim *b)
{
    return a->family == b->family && (a->exclusive || b->exclusive) &&
           (a->member == b->member || a->member == BELAY_NO_RELATION || b->member == BELAY_NO_RELATION);
}

bool belay_task_conflicts(const belay_task *a, const belay_task *b)
{
    if (a->alone || b->alone)
        return true;
    for (size_t i = 0; i < a->claim_count; i++) {
        for (size_t j = 0; j < b->claim_count; j++) {
            if (meet(&a->claims[i], &b->claims[j]))
                return true;
        }
    }
    return false;
}

void belay_leaves_free(belay_leaves *leaves)
{
    if (leaves != NULL)
        free(leaves->items);
    free(leaves);
}

void belay_tasks_done(belay_tasks *tasks)
{
    for (size_t i = 0; i < tasks->count; i++) {
        free(tasks->items[i].key);
        free(tasks->items[i].text);
        if (tasks->items[i].kind == BELAY_TASK_FOREIGN_KEY)
            belay_leaves_free(tasks->items[i].leaves);
        if (tasks->items[i].part == 0)
            free(tasks->items[i].pages);
        if (tasks->items[i].differences != NULL)
            belay_compare_differences_done(tasks->items[i].differences);
        free(tasks->items[i].differences);
    }
    free(tasks->items);
    belay_schedule_free(tasks->schedule);
    *tasks = (belay_tasks){0};
}

size_t belay_tasks_add(belay_tasks_builder *b, belay_task task, uint64_t bytes)
{
    belay_tasks *tasks = b->ret;
    if (tasks->count == tasks->capacity) {
        tasks->capacity = tasks->capacity == 0 ? 256 : tasks->capacity * 2;
        tasks->items = belay_realloc_array(tasks->items, tasks->capacity, sizeof *tasks->items);
    }
    const uint64_t most = ((uint64_t)1 << CLASS_SHIFT) - 1;
    uint64_t weight = (uint64_t)kinds[task.kind].rank << CLASS_SHIFT | (bytes > most ? most : bytes);
    tasks->loading += kinds[task.kind].loading;
    tasks->items[tasks->count++] = task;
    return belay_schedule_add(tasks->schedule, 0, weight);
}

void belay_tasks_depend(belay_tasks_builder *b, size_t node, size_t on)
{
    belay_schedule_depend(b->ret->schedule, node, on);
}

size_t belay_tasks_add_barrier(belay_tasks_builder *b)
{
    return belay_tasks_add(b, (belay_task){.kind = BELAY_TASK_BARRIER, .relation = BELAY_NO_RELATION}, 0);
}

void belay_tasks_claim(
    const belay_tasks_builder *b, belay_task *task, long relation, bool whole, bool exclusive)
{
    if (relation == BELAY_NO_RELATION) {
        task->alone = true;
        return;
    }
    task->claims[task->claim_count++] = (belay_claim){
        (long)b->from->relations->items[relation].family, whole ? BELAY_NO_RELATION : relation, exclusive};
}

bool belay_tasks_is_done(const belay_tasks_builder *b, const char *key)
{
    return belay_marks_find(b->from->marks, key) != NULL;
}

bool belay_tasks_entry_is_done(const belay_tasks_builder *b, const belay_toc_entry *entry)
{
    BELAY_AUTO(belay_free) char *key = belay_ddl_key(entry);
    return belay_tasks_is_done(b, key);
}

long belay_tasks_find_loaded(const belay_tasks_builder *b, const belay_table *table)
{
    bool root = table->root_name != NULL;
    return belay_relations_find(
        b->from->relations, root ? table->root_schema : table->schema, root ? table->root_name : table->name);
}

/* Through a root rows go to any of its partitions; a statement on a parent may look at its children. */
static void tie_families(belay_tasks_builder *b)
{
    const belay_relations *relations = b->from->relations;
    for (size_t i = 0; i < relations->count; i++) {
        size_t family = relations->items[i].family;
        if (family == i)
            continue;
        belay_tasks_depend(b, b->stands[family].loaded, b->stands[i].loaded);
        belay_tasks_depend(b, b->stands[family].keyed, b->stands[i].keyed);
    }
}

uint64_t belay_tasks_bytes_of(const belay_tasks_builder *b, long relation)
{
    return relation == BELAY_NO_RELATION ? 0 : b->stands[relation].bytes;
}

size_t belay_tasks_family_of(const belay_tasks_builder *b, long relation)
{
    return b->from->relations->items[relation].family;
}

size_t belay_tasks_loaded_of(const belay_tasks_builder *b, long relation)
{
    if (relation == BELAY_NO_RELATION)
        return b->all_loaded;
    const belay_relation *r = &b->from->relations->items[relation];
    bool alone = b->stands[relation].table != NULL || r->kind == 'm' || r->kind == 'f';
    return b->stands[alone ? (size_t)relation : belay_tasks_family_of(b, relation)].loaded;
}

/* Which entries a belay_tasks_builder makes tasks of, one by one; the rest is one task. */
static const struct {
    const char *type;
    void (*add)(belay_tasks_builder *b, const belay_toc_entry *entry);
} entry_kinds[] = {
    {"INDEX", belay_tasks_add_index},
    {"CONSTRAINT", belay_tasks_add_index},
    {"STATISTICS", belay_tasks_add_index},
};

static void add_entry(belay_tasks_builder *b, const belay_toc_entry *entry)
{
    for (size_t i = 0; i < BELAY_COUNT(entry_kinds); i++) {
        if (belay_equal(entry->type, entry_kinds[i].type))
            entry_kinds[i].add(b, entry);
    }
}

static bool has_type(const belay_toc *toc, const char *type)
{
    for (size_t i = toc->pre_count; i < toc->count; i++) {
        if (belay_equal(toc->entries[i].type, type))
            return true;
    }
    return false;
}

static size_t add_whole(belay_tasks_builder *b, belay_task_kind kind, bool alone)
{
    return belay_tasks_add(b, (belay_task){.kind = kind, .relation = BELAY_NO_RELATION, .alone = alone}, 0);
}

/* The rest of the DDL goes alone, in the snapshot's order: most of it locks tables fully, and for a moment.
 */
static void add_wholes(belay_tasks_builder *b)
{
    b->all_loaded = belay_tasks_add_barrier(b);
    b->all_keyed = belay_tasks_add_barrier(b);
    b->foreign = belay_tasks_add_barrier(b);
    b->attached = has_type(b->from->toc, "INDEX ATTACH") ? add_whole(b, BELAY_TASK_ATTACH, true)
                                                         : belay_tasks_add_barrier(b);
    b->rest = add_whole(b, BELAY_TASK_REST, true);
    b->views = has_type(b->from->toc, "MATERIALIZED VIEW DATA") ? add_whole(b, BELAY_TASK_VIEWS, false)
                                                                : belay_tasks_add_barrier(b);
    belay_tasks_depend(b, b->attached, b->all_keyed);
    belay_tasks_depend(b, b->rest, b->all_loaded);
    belay_tasks_depend(b, b->rest, b->attached);
    belay_tasks_depend(b, b->rest, b->foreign);
    if (b->ret->items[b->views].kind == BELAY_TASK_VIEWS)
        belay_tasks_depend(b, b->views, b->rest);
}

static void add_all(belay_tasks_builder *b)
{
    const belay_toc *toc = b->from->toc;
    size_t count = b->from->relations->count;
    add_wholes(b);
    for (size_t i = 0; i < count; i++)
        b->stands[i] =
            (belay_tasks_stand){.loaded = belay_tasks_add_barrier(b), .keyed = belay_tasks_add_barrier(b)};
    for (size_t i = 0; !b->from->empty && i < b->manifest->table_count; i++)
        belay_tasks_add_rows(b, i);
    if (!b->from->empty)
        belay_tasks_add_extras(b);
    tie_families(b);
    for (size_t i = toc->pre_count; i < toc->count; i++)
        add_entry(b, &toc->entries[i]);
    belay_tasks_add_foreign_keys(b);
    bool made = b->from->empty || belay_marks_are_of_whole(b->from->marks);
    for (size_t i = 0; !made && i < count; i++)
        belay_tasks_add_statistics(b, (long)i);
    for (size_t i = 0; !b->from->empty && i < b->manifest->table_count; i++)
        belay_tasks_add_comparisons(b, i);
}

bool belay_tasks_build(const belay_tasks_from *from, belay_tasks *ret, belay_error *err)
{
    BELAY_AUTO(belay_free)
    belay_tasks_stand *stands = belay_realloc_array(NULL, from->relations->count + 1, sizeof *stands);
    belay_tasks_builder b = {
        .from = from, .manifest = belay_archive_manifest(from->archive), .ret = ret, .stands = stands};
    ret->schedule = belay_schedule_new();
    add_all(&b);
    return belay_schedule_start(ret->schedule, err);
}
