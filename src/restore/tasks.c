#include "restore/tasks.h"

#include "restore/entry_sql.h"
#include "restore/script.h"

enum {
    SMALL_BYTES = 1024 * 1024,         /* tables below share transactions */
    STREAMS_BYTES = 64 * 1024 * 1024,  /* tables from here on may be loaded by several streams */
    SPLIT_KEY_BYTES = 8 * 1024 * 1024, /* from here on a key's index is built beside its table's others */
    COMPARE_BYTES = 64 * 1024 * 1024,  /* of a range */
    MOST_RANGES = 256
};

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

void belay_tasks_done(belay_tasks *tasks)
{
    for (size_t i = 0; i < tasks->count; i++) {
        free(tasks->items[i].key);
        free(tasks->items[i].text);
        if (tasks->items[i].differences != NULL)
            belay_compare_differences_done(tasks->items[i].differences);
        free(tasks->items[i].differences);
    }
    free(tasks->items);
    belay_schedule_free(tasks->schedule);
    *tasks = (belay_tasks){0};
}

/* A table of the database while its tasks are made. The numbers are of barriers. */
typedef struct stand {
    size_t loaded, keyed;     /* its rows; its indexes and keys */
    uint64_t bytes;           /* of its rows */
    const belay_table *table; /* of the manifest; NULL: none */
    bool streams;             /* loaded by several */
} stand;

typedef struct builder {
    const belay_tasks_from *from;
    const belay_manifest *manifest;
    belay_tasks *ret;
    stand *stands;                         /* one for each relation */
    size_t all_loaded, all_keyed;          /* barriers */
    size_t attached, foreign, rest, views; /* likewise */
} builder;

static size_t add(builder *b, belay_task task, uint64_t bytes)
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

static void depend(builder *b, size_t node, size_t on)
{
    belay_schedule_depend(b->ret->schedule, node, on);
}

static size_t add_barrier(builder *b)
{
    return add(b, (belay_task){.kind = BELAY_TASK_BARRIER, .relation = BELAY_NO_RELATION}, 0);
}

static void claim(const builder *b, belay_task *task, long relation, bool whole, bool exclusive)
{
    if (relation == BELAY_NO_RELATION) {
        task->alone = true;
        return;
    }
    task->claims[task->claim_count++] = (belay_claim){
        (long)b->from->relations->items[relation].family, whole ? BELAY_NO_RELATION : relation, exclusive};
}

static bool is_done(const builder *b, const char *key)
{
    return belay_marks_find(b->from->marks, key) != NULL;
}

static bool entry_done(const builder *b, const belay_toc_entry *entry)
{
    BELAY_AUTO(belay_free) char *key = belay_ddl_key(entry);
    return is_done(b, key);
}

static long find_loaded(const builder *b, const belay_table *table)
{
    bool root = table->root_name != NULL;
    return belay_relations_find(
        b->from->relations, root ? table->root_schema : table->schema, root ? table->root_name : table->name);
}

/* Several streams pay where one of them would be at work when all others are done. */
static bool wants_streams(const builder *b, const belay_table *table)
{
    return b->from->jobs > 1 && table->chunk_count > 1 && table->raw_bytes >= STREAMS_BYTES &&
           table->raw_bytes > b->manifest->raw_bytes / (2 * b->from->jobs);
}

/* Foreign keys between an extension's tables are there before their rows. */
static void follow_references(builder *b, long relation, size_t node)
{
    const belay_relations *relations = b->from->relations;
    const belay_relation *own = &relations->items[relation];
    for (size_t i = 0; own->of_extension && own->reference_steps > 0 && i < relations->count; i++) {
        const belay_relation *other = &relations->items[i];
        if (other->of_extension && other->reference_steps < own->reference_steps)
            depend(b, node, b->stands[i].loaded);
    }
}

static void add_load(builder *b, long relation, belay_task task)
{
    claim(b, &task, relation, task.table->root_name != NULL, task.load.freeze);
    size_t node = add(b, task, task.table->raw_bytes);
    if (relation != BELAY_NO_RELATION) {
        depend(b, b->stands[relation].loaded, node);
        follow_references(b, relation, node);
    }
    depend(b, b->all_loaded, node);
}

static void add_chunks(builder *b, long relation, const belay_load_job *job)
{
    for (size_t i = 0; i < job->table->chunk_count; i++) {
        if (is_done(b, job->table->chunks[i]))
            continue;
        add_load(b, relation,
            (belay_task){.kind = BELAY_TASK_CHUNK,
                .table = job->table,
                .part = i,
                .parts = job->table->chunk_count,
                .relation = relation,
                .load = *job});
    }
}

/* Truncated in its own transaction, a table can be loaded frozen; one of an extension has rows already, and
 * one that is loaded through its root has others' too. */
static bool may_freeze(const belay_table *table, const belay_relation *relation)
{
    return table->root_name == NULL && table->filter == NULL && !relation->of_extension;
}

static void add_rows(builder *b, size_t number)
{
    const belay_table *table = &b->manifest->tables[number];
    long relation = find_loaded(b, table);
    bool known = relation != BELAY_NO_RELATION;
    belay_load_job job = {.table = table,
        .freeze = known && may_freeze(table, &b->from->relations->items[relation]),
        .unlogged = known && b->from->relations->items[relation].unlogged};
    long own = belay_relations_find(b->from->relations, table->schema, table->name);
    if (known)
        b->stands[relation].bytes += table->raw_bytes;
    if (own != relation && own != BELAY_NO_RELATION)
        b->stands[own].bytes += table->raw_bytes;
    if (known && table->root_name == NULL)
        b->stands[relation].table = table;
    if (table->chunk_count == 0)
        return;
    if (wants_streams(b, table)) {
        job.freeze = false;
        if (known)
            b->stands[relation].streams = true;
        add_chunks(b, relation, &job);
        return;
    }
    BELAY_AUTO(belay_free) char *key = belay_format("table %zu", number);
    if (is_done(b, key))
        return;
    job.key = key;
    add_load(b, relation,
        (belay_task){.kind = BELAY_TASK_LOAD,
            .table = table,
            .relation = relation,
            .small = table->raw_bytes < SMALL_BYTES,
            .load = job,
            .key = belay_take(key)});
}

static void add_extras(builder *b)
{
    size_t parts = b->from->jobs;
    if (belay_manifest_find(b->manifest, "sequences.json") != NULL)
        depend(b, b->all_loaded,
            add(b, (belay_task){.kind = BELAY_TASK_SEQUENCES, .relation = BELAY_NO_RELATION}, 0));
    if (belay_manifest_find(b->manifest, "blobs.json") == NULL)
        return;
    for (size_t i = 0; i < parts; i++) {
        const belay_task load = {
            .kind = BELAY_TASK_OBJECTS, .part = i, .parts = parts, .relation = BELAY_NO_RELATION};
        depend(b, b->all_loaded, add(b, load, b->manifest->raw_bytes / 4));
    }
    size_t compare =
        add(b, (belay_task){.kind = BELAY_TASK_COMPARE_OBJECTS, .relation = BELAY_NO_RELATION}, UINT64_MAX);
    depend(b, compare, b->all_loaded);
}

/* Through a root rows go to any of its partitions; a statement on a parent may look at its children. */
static void tie_families(builder *b)
{
    const belay_relations *relations = b->from->relations;
    for (size_t i = 0; i < relations->count; i++) {
        size_t family = relations->items[i].family;
        if (family == i)
            continue;
        depend(b, b->stands[family].loaded, b->stands[i].loaded);
        depend(b, b->stands[family].keyed, b->stands[i].keyed);
    }
}

static uint64_t bytes_of(const builder *b, long relation)
{
    return relation == BELAY_NO_RELATION ? 0 : b->stands[relation].bytes;
}

/* The member that stands for a family waits for all of it; a plain table is its own family. */
static size_t family_of(const builder *b, long relation)
{
    return b->from->relations->items[relation].family;
}

/* A partition may get its rows through its root, which is another member. */
static size_t loaded_of(const builder *b, long relation)
{
    if (relation == BELAY_NO_RELATION)
        return b->all_loaded;
    const belay_relation *r = &b->from->relations->items[relation];
    bool alone = b->stands[relation].table != NULL || r->kind == 'm' || r->kind == 'f';
    return b->stands[alone ? (size_t)relation : family_of(b, relation)].loaded;
}

static void add_split_key(builder *b, const belay_toc_entry *entry, long relation)
{
    BELAY_AUTO(belay_free) char *index_key = belay_format("index %ld", entry->id);
    belay_task make = {.kind = BELAY_TASK_KEY_INDEX, .entry = entry, .relation = relation};
    belay_task use = {.kind = BELAY_TASK_KEY, .entry = entry, .relation = relation};
    claim(b, &make, relation, false, false);
    claim(b, &use, relation, false, true);
    size_t used = add(b, use, bytes_of(b, relation));
    depend(b, used, loaded_of(b, relation));
    depend(b, b->stands[relation].keyed, used);
    depend(b, b->all_keyed, used);
    if (is_done(b, index_key))
        return;
    make.key = belay_take(index_key);
    size_t made = add(b, make, bytes_of(b, relation));
    depend(b, made, loaded_of(b, relation));
    depend(b, used, made);
}

static bool wants_split(const builder *b, const belay_toc_entry *entry, long relation)
{
    BELAY_AUTO(belay_free) char *index = NULL;
    BELAY_AUTO(belay_free) char *constraint = NULL;
    return relation != BELAY_NO_RELATION && b->from->jobs > 1 &&
           b->from->relations->items[relation].kind == 'r' && bytes_of(b, relation) >= SPLIT_KEY_BYTES &&
           belay_entry_split_key(entry, &index, &constraint);
}

static void add_index(builder *b, const belay_toc_entry *entry)
{
    long relation = belay_entry_table(entry, b->from->relations);
    bool constraint = belay_equal(entry->type, "CONSTRAINT");
    if (entry_done(b, entry))
        return;
    if (constraint && wants_split(b, entry, relation)) {
        add_split_key(b, entry, relation);
        return;
    }
    belay_task task = {.kind = BELAY_TASK_ENTRY, .entry = entry, .relation = relation};
    task.small = bytes_of(b, relation) < SMALL_BYTES;
    /* An entry may say more than CREATE INDEX: CLUSTER ON, REPLICA IDENTITY. */
    bool shared = belay_equal(entry->type, "INDEX") && entry->statement_count == 1;
    claim(b, &task, relation, false, !shared);
    size_t node = add(b, task, bytes_of(b, relation));
    depend(b, node, loaded_of(b, relation));
    depend(b, b->all_keyed, node);
    if (relation != BELAY_NO_RELATION)
        depend(b, b->stands[relation].keyed, node);
}

static void add_validation(builder *b, const belay_toc_entry *entry, long relation, long other, size_t *added)
{
    BELAY_AUTO(belay_free) char *key = belay_format("valid %ld", entry->id);
    belay_task task = {.kind = BELAY_TASK_VALIDATE, .entry = entry, .relation = relation};
    if (belay_entry_is_not_valid(entry) || is_done(b, key))
        return;
    claim(b, &task, relation, false, true);
    claim(b, &task, other, true, false);
    if (relation == other || family_of(b, relation) == family_of(b, other))
        task.claim_count = 1;
    task.key = belay_take(key);
    size_t node = add(b, task, bytes_of(b, relation) + bytes_of(b, other));
    if (added != NULL)
        depend(b, node, *added);
    depend(b, b->foreign, node);
}

/* NOT VALID first where the server can have that, and where checking it takes time. */
static bool is_two_steps(const builder *b, const belay_toc_entry *entry, long relation, long other)
{
    BELAY_AUTO(belay_free) char *validate = belay_entry_validate(entry);
    if (relation == BELAY_NO_RELATION || other == BELAY_NO_RELATION || validate == NULL)
        return false;
    return b->from->relations->items[relation].kind == 'r' && bytes_of(b, relation) >= SMALL_BYTES;
}

static void add_foreign_key(builder *b, const belay_toc_entry *entry)
{
    long relation = belay_entry_table(entry, b->from->relations);
    long other = belay_entry_referenced(entry, b->from->relations);
    bool two = is_two_steps(b, entry, relation, other);
    if (entry_done(b, entry)) {
        if (two)
            add_validation(b, entry, relation, other, NULL);
        return;
    }
    belay_task task = {.kind = BELAY_TASK_FOREIGN_KEY,
        .entry = entry,
        .relation = relation,
        .part = two ? 1 : 0,
        .small = !two && bytes_of(b, relation) < SMALL_BYTES};
    claim(b, &task, relation, true, true);
    claim(b, &task, other, true, true);
    size_t node = add(b, task, bytes_of(b, relation));
    bool known = relation != BELAY_NO_RELATION && other != BELAY_NO_RELATION;
    depend(b, node, known ? b->stands[family_of(b, relation)].loaded : b->all_loaded);
    depend(b, node, known ? b->stands[family_of(b, other)].loaded : b->all_loaded);
    depend(b, node, known ? b->stands[family_of(b, other)].keyed : b->all_keyed);
    if (!known || b->from->relations->items[other].kind == 'p')
        depend(b, node, b->attached);
    depend(b, b->foreign, node);
    if (two)
        add_validation(b, entry, relation, other, &node);
}

static void add_statistics(builder *b, long relation)
{
    const belay_relation *r = &b->from->relations->items[relation];
    const stand *s = &b->stands[relation];
    bool parent = r->kind == 'p' && !r->is_partition;
    /* ANALYZE of a partitioned table is one of its partitions too. */
    bool by_parent = r->is_partition && b->from->relations->items[r->family].kind == 'p';
    if (r->kind == 'm' || r->kind == 'f' || (by_parent && !s->streams) || (!parent && s->bytes == 0))
        return;
    belay_task task = {.kind = s->streams ? BELAY_TASK_VACUUM : BELAY_TASK_ANALYZE,
        .relation = relation,
        .small = !s->streams && !parent && s->bytes < SMALL_BYTES};
    claim(b, &task, relation, parent, true);
    size_t node = add(b, task, s->bytes);
    depend(b, node, b->stands[family_of(b, relation)].loaded);
    depend(b, node, b->stands[family_of(b, relation)].keyed);
}

static bool same_root(const belay_table *a, const belay_table *b)
{
    return a->root_name != NULL && b->root_name != NULL && belay_equal(a->root_name, b->root_name) &&
           belay_equal(a->root_schema, b->root_schema);
}

/* Compared already with an earlier partition of the same root. */
static bool is_compared(const builder *b, size_t number)
{
    const belay_table *table = &b->manifest->tables[number];
    for (size_t i = 0; table->root_name != NULL && i < number; i++) {
        if (same_root(table, &b->manifest->tables[i]))
            return true;
    }
    return false;
}

static void add_compare(builder *b, const belay_table *table, long relation, belay_task_kind kind)
{
    bool ranges =
        relation != BELAY_NO_RELATION && table->root_name == NULL && b->from->relations->items[relation].heap;
    size_t parts = ranges ? (size_t)(table->raw_bytes / COMPARE_BYTES) + 1 : 1;
    parts = parts > MOST_RANGES ? MOST_RANGES : parts;
    for (size_t i = 0; i < parts; i++) {
        const belay_task task = {.kind = kind,
            .table = table,
            .part = i,
            .parts = parts,
            .relation = relation,
            .small = parts == 1 && table->raw_bytes < SMALL_BYTES};
        size_t node = add(b, task, table->raw_bytes);
        depend(b, node, loaded_of(b, relation));
        /* Several tables at once, or none that is known: only when nobody else locks them. */
        if (!ranges)
            depend(b, node, b->foreign);
        if (!ranges)
            depend(b, node, b->all_keyed);
        depend(b, node, b->views);
    }
}

static void add_comparisons(builder *b, size_t number)
{
    const belay_table *table = &b->manifest->tables[number];
    long relation = find_loaded(b, table);
    if (is_compared(b, number))
        return;
    add_compare(b, table, relation, BELAY_TASK_COMPARE);
    if (table->generated_count > 0)
        add_compare(b, table, relation, BELAY_TASK_COMPARE_GENERATED);
}

/* Which entries a builder makes tasks of, one by one; the rest is one task. */
static const struct {
    const char *type;
    void (*add)(builder *b, const belay_toc_entry *entry);
} entry_kinds[] = {
    {"INDEX", add_index},
    {"CONSTRAINT", add_index},
    {"STATISTICS", add_index},
    {"FK CONSTRAINT", add_foreign_key},
};

static void add_entry(builder *b, const belay_toc_entry *entry)
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

static size_t add_whole(builder *b, belay_task_kind kind, bool alone)
{
    return add(b, (belay_task){.kind = kind, .relation = BELAY_NO_RELATION, .alone = alone}, 0);
}

/* The rest of the DDL goes alone, in the snapshot's order: most of it locks tables fully, and for a moment.
 */
static void add_wholes(builder *b)
{
    b->all_loaded = add_barrier(b);
    b->all_keyed = add_barrier(b);
    b->foreign = add_barrier(b);
    b->attached =
        has_type(b->from->toc, "INDEX ATTACH") ? add_whole(b, BELAY_TASK_ATTACH, true) : add_barrier(b);
    b->rest = add_whole(b, BELAY_TASK_REST, true);
    b->views = has_type(b->from->toc, "MATERIALIZED VIEW DATA") ? add_whole(b, BELAY_TASK_VIEWS, false)
                                                                : add_barrier(b);
    depend(b, b->attached, b->all_keyed);
    depend(b, b->rest, b->all_loaded);
    depend(b, b->rest, b->attached);
    depend(b, b->rest, b->foreign);
    if (b->ret->items[b->views].kind == BELAY_TASK_VIEWS)
        depend(b, b->views, b->rest);
}

static void add_all(builder *b)
{
    const belay_toc *toc = b->from->toc;
    size_t count = b->from->relations->count;
    add_wholes(b);
    for (size_t i = 0; i < count; i++)
        b->stands[i] = (stand){.loaded = add_barrier(b), .keyed = add_barrier(b)};
    for (size_t i = 0; !b->from->empty && i < b->manifest->table_count; i++)
        add_rows(b, i);
    if (!b->from->empty)
        add_extras(b);
    tie_families(b);
    for (size_t i = toc->pre_count; i < toc->count; i++)
        add_entry(b, &toc->entries[i]);
    for (size_t i = 0; !b->from->empty && i < count; i++)
        add_statistics(b, (long)i);
    for (size_t i = 0; !b->from->empty && i < b->manifest->table_count; i++)
        add_comparisons(b, i);
}

bool belay_tasks_build(const belay_tasks_from *from, belay_tasks *ret, belay_error *err)
{
    BELAY_AUTO(belay_free)
    stand *stands = belay_realloc_array(NULL, from->relations->count + 1, sizeof *stands);
    builder b = {
        .from = from, .manifest = belay_archive_manifest(from->archive), .ret = ret, .stands = stands};
    ret->schedule = belay_schedule_new();
    add_all(&b);
    return belay_schedule_start(ret->schedule, err);
}
