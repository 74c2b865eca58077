/* Rows, statistics and comparison of the tables. */
#include "restore/compare_parts.h"
#include "restore/tasks_parts.h"

/* Tables from here on may be loaded by several streams. */
enum { STREAMS_BYTES = 64 * 1024 * 1024 };

/* An attempt before, which may have had other jobs, loaded some of its chunks one by one. */
static bool has_streams(const belay_tasks_builder *b, const belay_table *table)
{
    for (size_t i = 0; i < table->chunk_count; i++) {
        if (belay_tasks_is_done(b, table->chunks[i]))
            return true;
    }
    return false;
}

/* Several streams pay where one of them would be at work when all others are done. */
static bool wants_streams(const belay_tasks_builder *b, const belay_table *table)
{
    return b->from->jobs > 1 && table->chunk_count > 1 && table->raw_bytes >= STREAMS_BYTES &&
           table->raw_bytes > b->manifest->raw_bytes / (2 * b->from->jobs);
}

/* Foreign keys between an extension's tables are there before their rows. */
static void follow_references(belay_tasks_builder *b, long relation, size_t node)
{
    const belay_relations *relations = b->from->relations;
    const belay_relation *own = &relations->items[relation];
    for (size_t i = 0; own->of_extension && own->reference_steps > 0 && i < relations->count; i++) {
        const belay_relation *other = &relations->items[i];
        if (other->of_extension && other->reference_steps < own->reference_steps)
            belay_tasks_depend(b, node, b->stands[i].loaded);
    }
}

static void add_load(belay_tasks_builder *b, long relation, belay_task task)
{
    belay_tasks_claim(b, &task, relation, task.table->root_name != NULL, task.load.freeze);
    size_t node = belay_tasks_add(b, task, task.table->raw_bytes);
    if (relation != BELAY_NO_RELATION) {
        belay_tasks_depend(b, b->stands[relation].loaded, node);
        follow_references(b, relation, node);
    }
    belay_tasks_depend(b, b->all_loaded, node);
}

static void add_chunks(belay_tasks_builder *b, long relation, const belay_load_job *job)
{
    for (size_t i = 0; i < job->table->chunk_count; i++) {
        if (belay_tasks_is_done(b, job->table->chunks[i]))
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

void belay_tasks_add_rows(belay_tasks_builder *b, size_t number)
{
    const belay_table *table = &b->manifest->tables[number];
    long relation = belay_tasks_find_loaded(b, table);
    bool known = relation != BELAY_NO_RELATION;
    belay_load_job job = {.table = table,
        .freeze = known && may_freeze(table, &b->from->relations->items[relation]),
        /* the partitions of a root may be of either kind: see restore/resume.h */
        .unlogged = known && table->root_name == NULL && b->from->relations->items[relation].unlogged};
    long own = belay_relations_find(b->from->relations, table->schema, table->name);
    if (known)
        b->stands[relation].bytes += table->raw_bytes;
    if (own != relation && own != BELAY_NO_RELATION)
        b->stands[own].bytes += table->raw_bytes;
    if (known && table->root_name == NULL)
        b->stands[relation].table = table;
    if (table->chunk_count == 0)
        return;
    BELAY_AUTO(belay_free) char *key = belay_format("table %zu", number);
    if (belay_tasks_is_done(b, key))
        return;
    if (has_streams(b, table) || wants_streams(b, table)) {
        job.freeze = false;
        if (known)
            b->stands[relation].streams = true;
        add_chunks(b, relation, &job);
        return;
    }
    job.key = key;
    add_load(b, relation,
        (belay_task){.kind = BELAY_TASK_LOAD,
            .table = table,
            .relation = relation,
            .small = table->raw_bytes < BELAY_SMALL_BYTES,
            .load = job,
            .key = belay_take(key)});
}

void belay_tasks_add_extras(belay_tasks_builder *b)
{
    size_t parts = b->from->jobs;
    if (belay_manifest_find(b->manifest, "sequences.json") != NULL)
        belay_tasks_depend(b, b->all_loaded,
            belay_tasks_add(b, (belay_task){.kind = BELAY_TASK_SEQUENCES, .relation = BELAY_NO_RELATION}, 0));
    if (belay_manifest_find(b->manifest, "blobs.json") == NULL)
        return;
    for (size_t i = 0; i < parts; i++) {
        const belay_task load = {
            .kind = BELAY_TASK_OBJECTS, .part = i, .parts = parts, .relation = BELAY_NO_RELATION};
        belay_tasks_depend(b, b->all_loaded, belay_tasks_add(b, load, b->manifest->raw_bytes / 4));
    }
    for (size_t i = 0; i < parts; i++) {
        const belay_task compare = {
            .kind = BELAY_TASK_COMPARE_OBJECTS, .part = i, .parts = parts, .relation = BELAY_NO_RELATION};
        belay_tasks_depend(b, belay_tasks_add(b, compare, UINT64_MAX), b->all_loaded);
    }
}

/* ANALYZE of a partitioned table is one of its partitions too, and would ask other servers for what is there:
 * then each of ours is analyzed by itself. So it is where statistics are taken over. */
static bool wants_statistics(const belay_tasks_builder *b, long relation, bool parent)
{
    const belay_relation *r = &b->from->relations->items[relation];
    const belay_tasks_stand *s = &b->stands[relation];
    const belay_relation *top = &b->from->relations->items[r->family];
    bool by_parent = b->from->statistics == NULL && r->is_partition && top->kind == 'p' && !top->has_foreign;
    if (r->kind == 'm' || r->kind == 'f' || (by_parent && !s->streams))
        return false;
    return parent || (s->bytes > 0 && r->kind != 'p');
}

static bool is_analyzed_parent(const belay_tasks_builder *b, long relation)
{
    const belay_relation *r = &b->from->relations->items[relation];
    return r->kind == 'p' && !b->from->relations->items[r->family].has_foreign &&
           (b->from->statistics != NULL || !r->is_partition);
}

/* Through a root rows may go to other partitions than at the source, and an extension has rows of its own. */
static bool may_import(const belay_tasks_builder *b, long relation)
{
    const belay_relation *r = &b->from->relations->items[relation];
    const belay_table *table = b->stands[relation].table;
    return b->from->statistics != NULL &&
           (r->kind == 'p' || (table != NULL && table->filter == NULL && !r->of_extension));
}

void belay_tasks_add_statistics(belay_tasks_builder *b, long relation)
{
    const belay_tasks_stand *s = &b->stands[relation];
    bool parent = is_analyzed_parent(b, relation);
    if (!wants_statistics(b, relation, parent))
        return;
    belay_task task = {.kind = s->streams ? BELAY_TASK_VACUUM : BELAY_TASK_ANALYZE,
        .relation = relation,
        .table = s->table,
        .small = !s->streams && !parent && s->bytes < BELAY_SMALL_BYTES,
        .imports = may_import(b, relation)};
    task.load.freeze =
        s->table != NULL && !s->streams && may_freeze(s->table, &b->from->relations->items[relation]);
    belay_tasks_claim(b, &task, relation, parent, true);
    size_t node = belay_tasks_add(b, task, s->bytes);
    belay_tasks_depend(b, node, b->stands[belay_tasks_family_of(b, relation)].loaded);
    belay_tasks_depend(b, node, b->stands[belay_tasks_family_of(b, relation)].keyed);
}

static void add_compare(belay_tasks_builder *b, const belay_table *table, long relation, belay_task_kind kind)
{
    bool ranges =
        relation != BELAY_NO_RELATION && table->root_name == NULL && b->from->relations->items[relation].heap;
    size_t parts = belay_readback_parts(table->raw_bytes, ranges);
    belay_readback_pages *pages = belay_alloc(sizeof *pages);
    for (size_t i = 0; i < parts; i++) {
        const belay_task task = {.kind = kind,
            .table = table,
            .part = i,
            .parts = parts,
            .pages = pages,
            .relation = relation,
            .small = parts == 1 && table->raw_bytes < BELAY_SMALL_BYTES};
        size_t node = belay_tasks_add(b, task, table->raw_bytes);
        belay_tasks_depend(b, node, belay_tasks_loaded_of(b, relation));
        /* Several tables at once, or none that is known: only when nobody else locks them. */
        if (!ranges)
            belay_tasks_depend(b, node, b->foreign);
        if (!ranges)
            belay_tasks_depend(b, node, b->all_keyed);
        belay_tasks_depend(b, node, b->views);
    }
}

void belay_tasks_add_comparisons(belay_tasks_builder *b, size_t number)
{
    const belay_table *table = &b->manifest->tables[number];
    long relation = belay_tasks_find_loaded(b, table);
    if (belay_compare_is_with_earlier(b->manifest, number))
        return;
    add_compare(b, table, relation, BELAY_TASK_COMPARE);
    if (table->generated_count > 0)
        add_compare(b, table, relation, BELAY_TASK_COMPARE_GENERATED);
}
