#include "restore/groups.h"

#include <string.h>

#define NONE SIZE_MAX

typedef struct place {
    long id;
    size_t number;
} place;

typedef struct search {
    const belay_toc *toc;
    size_t first, end;
    place *places;  /* of pre-data, by id */
    size_t *leader; /* per entry: another of its group, or itself; NONE: in no group */
} search;

static int by_id(const void *a, const void *b)
{
    long left = ((const place *)a)->id, right = ((const place *)b)->id;
    return left < right ? -1 : left > right;
}

/* NONE for what is not of this section. */
static size_t number_of(const search *s, long id)
{
    const place wanted = {.id = id};
    const place *found = bsearch(&wanted, s->places, s->toc->pre_count, sizeof *s->places, by_id);
    return found == NULL ? NONE : found->number;
}

static void index_entries(search *s)
{
    s->places = belay_realloc_array(NULL, s->toc->pre_count + 1, sizeof *s->places);
    s->leader = belay_realloc_array(NULL, s->toc->pre_count + 1, sizeof *s->leader);
    for (size_t i = 0; i < s->toc->pre_count; i++) {
        s->places[i] = (place){s->toc->entries[i].id, i};
        s->leader[i] = NONE;
    }
    qsort(s->places, s->toc->pre_count, sizeof *s->places, by_id);
}

static size_t leader_of(search *s, size_t number)
{
    while (s->leader[number] != number) {
        s->leader[number] = s->leader[s->leader[number]];
        number = s->leader[number];
    }
    return number;
}

static bool is_of_a_table(const belay_toc_entry *entry)
{
    static const char *const types[] = {
        "TABLE", "SEQUENCE", "SEQUENCE OWNED BY", "DEFAULT", "TABLE ATTACH", "COMMENT", "SECURITY LABEL"};
    for (size_t i = 0; i < BELAY_COUNT(types); i++) {
        if (belay_equal(entry->type, types[i]))
            return true;
    }
    return false;
}

/* Does all that it needs stand before the first table, or in a group? A comment has to have something there.
 */
static bool is_free(const search *s, const belay_toc_entry *entry)
{
    bool grouped = belay_equal(entry->type, "TABLE") || belay_equal(entry->type, "SEQUENCE");
    for (size_t i = 0; i < entry->depends_count; i++) {
        size_t on = number_of(s, entry->depends[i]);
        if (on == NONE || on < s->first)
            continue;
        if (s->leader[on] == NONE)
            return false;
        grouped = true;
    }
    return grouped;
}

static void join(search *s, size_t number)
{
    const belay_toc_entry *entry = &s->toc->entries[number];
    s->leader[number] = number;
    for (size_t i = 0; i < entry->depends_count; i++) {
        size_t on = number_of(s, entry->depends[i]);
        if (on != NONE && on >= s->first && on != number)
            s->leader[leader_of(s, on)] = leader_of(s, number);
    }
}

typedef struct member {
    size_t leader, number;
} member;

static int by_group(const void *a, const void *b)
{
    const member *left = a, *right = b;
    if (left->leader != right->leader)
        return left->leader < right->leader ? -1 : 1;
    return left->number < right->number ? -1 : left->number > right->number;
}

static void list(search *s, belay_groups *ret)
{
    BELAY_AUTO(belay_free)
    member *members = belay_realloc_array(NULL, s->toc->pre_count + 1, sizeof *members);
    for (size_t i = s->first; i < s->end; i++) {
        if (s->leader[i] != NONE)
            members[ret->count++] = (member){leader_of(s, i), i};
    }
    qsort(members, ret->count, sizeof *members, by_group);
    ret->entries = belay_realloc_array(NULL, ret->count + 1, sizeof *ret->entries);
    ret->group = belay_realloc_array(NULL, ret->count + 1, sizeof *ret->group);
    for (size_t i = 0; i < ret->count; i++) {
        ret->entries[i] = members[i].number;
        ret->group[i] = members[i].leader;
    }
}

void belay_groups_find(const belay_toc *toc, size_t end, belay_groups *ret)
{
    search s = {.toc = toc, .end = end};
    while (s.first < end && !belay_equal(toc->entries[s.first].type, "TABLE"))
        s.first++;
    *ret = (belay_groups){.first = s.first};
    index_entries(&s);
    for (size_t i = s.first; i < end; i++) {
        if (is_of_a_table(&toc->entries[i]) && is_free(&s, &toc->entries[i]))
            join(&s, i);
    }
    list(&s, ret);
    free(s.places);
    free(s.leader);
}

size_t belay_groups_cut(const belay_groups *groups, size_t from, size_t most)
{
    size_t end = from;
    while (end < groups->count) {
        size_t next = end + 1;
        while (next < groups->count && groups->group[next] == groups->group[end])
            next++;
        if (end > from && next - from > most)
            break;
        end = next;
    }
    return end - from;
}

void belay_groups_done(belay_groups *groups)
{
    free(groups->entries);
    free(groups->group);
    *groups = (belay_groups){0};
}
