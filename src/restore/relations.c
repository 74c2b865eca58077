#include "restore/relations.h"

#include "restore/restore.sql.h"

static int compare_names(const char *schema_a, const char *name_a, const char *schema_b, const char *name_b)
{
    int order = strcmp(schema_a, schema_b);
    return order != 0 ? order : strcmp(name_a, name_b);
}

static int by_name(const void *a, const void *b)
{
    const belay_relation *left = a;
    const belay_relation *right = b;
    return compare_names(left->schema, left->name, right->schema, right->name);
}

long belay_relations_find(const belay_relations *relations, const char *schema, const char *name)
{
    const belay_relation wanted = {.schema = (char *)(uintptr_t)schema, .name = (char *)(uintptr_t)name};
    const belay_relation *found =
        bsearch(&wanted, relations->items, relations->count, sizeof *relations->items, by_name);
    return found == NULL ? BELAY_NO_RELATION : found - relations->items;
}

bool belay_relations_is_below(const belay_relations *relations, long number, long top)
{
    while (number != BELAY_NO_RELATION) {
        number = relations->items[number].parent;
        if (number == top)
            return top != BELAY_NO_RELATION;
    }
    return false;
}

void belay_relations_done(belay_relations *relations)
{
    for (size_t i = 0; i < relations->count; i++) {
        free(relations->items[i].schema);
        free(relations->items[i].name);
    }
    free(relations->items);
    *relations = (belay_relations){0};
}

/* OIDs in order, with their numbers. */
typedef struct oid_place {
    uint32_t oid;
    size_t number;
} oid_place;

static int by_oid(const void *a, const void *b)
{
    uint32_t left = ((const oid_place *)a)->oid;
    uint32_t right = ((const oid_place *)b)->oid;
    return (left > right) - (left < right);
}

static const oid_place *find_oid(const oid_place *places, size_t count, int64_t oid)
{
    const oid_place wanted = {.oid = (uint32_t)oid};
    return bsearch(&wanted, places, count, sizeof *places, by_oid);
}

static size_t family_of(const belay_relations *relations, size_t number)
{
    while (relations->items[number].family != number)
        number = relations->items[number].family;
    return number;
}

static bool tie_families(belay_pg *pg, belay_relations *relations, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_free)
    oid_place *places = belay_realloc_array(NULL, relations->count + 1, sizeof *places);
    if (!belay_pg_query0(pg, sql_inheritance, &rows, err))
        return false;
    for (size_t i = 0; i < relations->count; i++)
        places[i] = (oid_place){relations->items[i].oid, i};
    qsort(places, relations->count, sizeof *places, by_oid);
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        const oid_place *child = find_oid(places, relations->count, belay_rows_int(rows, i, 0));
        const oid_place *parent = find_oid(places, relations->count, belay_rows_int(rows, i, 1));
        if (child == NULL || parent == NULL)
            continue;
        relations->items[family_of(relations, child->number)].family = family_of(relations, parent->number);
        if (relations->items[child->number].is_partition)
            relations->items[child->number].parent = (long)parent->number;
    }
    for (size_t i = 0; i < relations->count; i++) {
        belay_relation *r = &relations->items[i];
        r->family = family_of(relations, i);
        relations->items[r->family].has_foreign |= r->kind == 'f';
    }
    return true;
}

bool belay_relations_read(belay_pg *pg, belay_relations *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(pg, sql_relations, &rows, err))
        return false;
    ret->count = belay_rows_count(rows);
    ret->items = belay_realloc_array(NULL, ret->count + 1, sizeof *ret->items);
    for (size_t i = 0; i < ret->count; i++)
        ret->items[i] = (belay_relation){.schema = belay_strdup(belay_rows_text(rows, i, 0)),
            .name = belay_strdup(belay_rows_text(rows, i, 1)),
            .oid = (uint32_t)belay_rows_int(rows, i, 2),
            .kind = belay_rows_text(rows, i, 3)[0],
            .unlogged = belay_rows_bool(rows, i, 4),
            .heap = belay_rows_bool(rows, i, 5),
            .is_partition = belay_rows_bool(rows, i, 6),
            .of_extension = belay_rows_bool(rows, i, 7),
            .reference_steps = (int)belay_rows_int(rows, i, 8)};
    qsort(ret->items, ret->count, sizeof *ret->items, by_name);
    for (size_t i = 0; i < ret->count; i++) {
        ret->items[i].family = i;
        ret->items[i].parent = BELAY_NO_RELATION;
    }
    return tie_families(pg, ret, err);
}
