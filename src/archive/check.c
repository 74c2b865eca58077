#include "archive/check.h"

#include "archive/locator.h"
#include "archive/member.h"
#include "util/str.h"

static bool bad_member(const belay_member *m, const char *what, belay_error *err)
{
    return belay_fail(
        err, BELAY_E_ARCHIVE, "member %s at byte %llu: %s", m->name, (unsigned long long)m->offset, what);
}

static bool bad_table(const belay_table *t, const char *what, belay_error *err)
{
    return belay_fail(err, BELAY_E_ARCHIVE, "manifest.json: table %s.%s: %s", t->schema, t->name, what);
}

static bool check_members(const belay_manifest *m, uint64_t manifest_offset, belay_error *err)
{
    uint64_t at = 0;
    for (size_t i = 0; i < m->member_count; i++) {
        const belay_member *one = &m->members[i];
        if (!belay_member_name_ok(one->name))
            return belay_fail(
                err, BELAY_E_ARCHIVE, "member %zu has a name that no snapshot has: \"%.200s\"", i, one->name);
        if (one->offset != at || one->data_offset < at + BELAY_TAR_BLOCK ||
            one->data_offset > manifest_offset || one->stored_bytes > manifest_offset - one->data_offset)
            return bad_member(one, "its place is wrong", err);
        uint64_t end = one->data_offset + belay_tar_padded(one->stored_bytes);
        if (end > manifest_offset || one->span_bytes != end - at)
            return bad_member(one, "its length is wrong", err);
        if (!belay_ends_with(one->name, ".zst") && one->raw_bytes != one->stored_bytes)
            return bad_member(one, "its length is wrong", err);
        at = end;
    }
    if (at != manifest_offset)
        return belay_fail(err, BELAY_E_ARCHIVE, "bytes %llu to %llu belong to no member",
            (unsigned long long)at, (unsigned long long)manifest_offset);
    return true;
}

/* A member by name, and whether a table claimed it. */
typedef struct named {
    const belay_member *member;
    bool claimed;
} named;

static int compare_named(const void *a, const void *b)
{
    return strcmp(((const named *)a)->member->name, ((const named *)b)->member->name);
}

static bool sort_members(const belay_manifest *m, named *sorted, belay_error *err)
{
    for (size_t i = 0; i < m->member_count; i++)
        sorted[i] = (named){&m->members[i], false};
    if (m->member_count > 1)
        qsort(sorted, m->member_count, sizeof *sorted, compare_named);
    for (size_t i = 1; i < m->member_count; i++) {
        if (belay_equal(sorted[i].member->name, sorted[i - 1].member->name))
            return bad_member(sorted[i].member, "the name stands twice", err);
    }
    return true;
}

static int compare_tables(const void *a, const void *b)
{
    const belay_table *left = *(const belay_table *const *)a, *right = *(const belay_table *const *)b;
    int order = strcmp(left->schema, right->schema);
    return order != 0 ? order : strcmp(left->name, right->name);
}

static bool check_table_names(const belay_manifest *m, belay_error *err)
{
    BELAY_AUTO(belay_free)
    const belay_table **sorted = belay_realloc_array(NULL, m->table_count + 1, sizeof(belay_table *));
    for (size_t i = 0; i < m->table_count; i++)
        sorted[i] = &m->tables[i];
    if (m->table_count > 1)
        qsort(sorted, m->table_count, sizeof *sorted, compare_tables);
    for (size_t i = 1; i < m->table_count; i++) {
        if (compare_tables(&sorted[i - 1], &sorted[i]) == 0)
            return bad_table(sorted[i], "it is listed twice", err);
    }
    return true;
}

/* Sums wrap around at most to a wrong sum: they are only compared. */
static bool check_table(const belay_table *t, named *members, size_t member_count, belay_error *err)
{
    uint64_t rows = 0, raw_bytes = 0;
    for (size_t i = 0; i < t->chunk_count; i++) {
        const belay_member wanted = {.name = t->chunks[i]};
        const named key = {&wanted, false};
        named *found =
            member_count == 0 ? NULL : bsearch(&key, members, member_count, sizeof key, compare_named);
        if (found == NULL || !belay_starts_with(t->chunks[i], "data/"))
            return bad_table(t, "a chunk of it is not in the snapshot", err);
        if (found->claimed)
            return bad_table(t, "a chunk of it is used twice", err);
        found->claimed = true;
        rows += found->member->rows;
        raw_bytes += found->member->raw_bytes;
    }
    if (rows != t->rows || raw_bytes != t->raw_bytes)
        return bad_table(t, "rows or bytes of its chunks do not add up", err);
    return true;
}

static bool check_tables(const belay_manifest *m, named *members, belay_error *err)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < m->table_count; i++) {
        if (!check_table(&m->tables[i], members, m->member_count, err))
            return false;
        rows += m->tables[i].rows;
    }
    if (rows != m->rows)
        return belay_fail(err, BELAY_E_ARCHIVE, "manifest.json: the rows of the tables do not add up");
    for (size_t i = 0; i < m->member_count; i++) {
        if (!members[i].claimed && belay_starts_with(members[i].member->name, "data/"))
            return bad_member(members[i].member, "it belongs to no table", err);
    }
    return true;
}

bool belay_manifest_check(const belay_manifest *m, uint64_t manifest_offset, belay_error *err)
{
    BELAY_AUTO(belay_free) named *members = belay_realloc_array(NULL, m->member_count + 1, sizeof *members);
    return check_members(m, manifest_offset, err) && sort_members(m, members, err) &&
           check_table_names(m, err) && check_tables(m, members, err);
}
