/* Foreign keys. One that takes time to check is added NOT VALID and validated then. A partitioned table
 * cannot have that before PostgreSQL 18, and would check its partitions one after the other: there the key is
 * added to the partitions that hold rows, each validates its own, and the table's own key takes those over.
 */
#include "restore/entry_sql.h"
#include "restore/tasks_parts.h"

/* An FK CONSTRAINT of the snapshot. */
typedef struct foreign_key {
    const belay_toc_entry *entry;
    long relation, other; /* which table, and which it refers to */
    bool added;           /* `node` adds it */
    size_t node;
} foreign_key;

typedef struct foreign_keys {
    foreign_key *items;
    size_t count;
} foreign_keys;

static const belay_relation *relation_of(const belay_tasks_builder *b, long number)
{
    return &b->from->relations->items[number];
}

static bool is_known(const foreign_key *key)
{
    return key->relation != BELAY_NO_RELATION && key->other != BELAY_NO_RELATION;
}

static bool is_below(const belay_tasks_builder *b, long number, long top)
{
    return belay_relations_is_below(b->from->relations, number, top);
}

/* Of the rows that the key is checked on. */
static uint64_t bytes_checked(const belay_tasks_builder *b, long relation)
{
    uint64_t bytes = belay_tasks_bytes_of(b, relation);
    if (relation == BELAY_NO_RELATION || relation_of(b, relation)->kind != 'p')
        return bytes;
    bytes = 0; /* what is loaded through it is counted with its partitions too */
    for (size_t i = 0; i < b->from->relations->count; i++) {
        if (is_below(b, (long)i, relation))
            bytes += relation_of(b, (long)i)->kind == 'p' ? 0 : b->stands[i].bytes;
    }
    return bytes;
}

static void claim_validation(const belay_tasks_builder *b, belay_task *task, long relation, long other)
{
    belay_tasks_claim(b, task, relation, false, true);
    if (belay_tasks_family_of(b, relation) != belay_tasks_family_of(b, other))
        belay_tasks_claim(b, task, other, true, false);
}

/* The number of its task, which waits for the one that adds the key. */
static size_t add_validation(
    belay_tasks_builder *b, const foreign_key *key, long relation, char *mark, const size_t *added)
{
    belay_task task = {.kind = BELAY_TASK_VALIDATE, .entry = key->entry, .relation = relation, .key = mark};
    claim_validation(b, &task, relation, key->other);
    size_t node =
        belay_tasks_add(b, task, belay_tasks_bytes_of(b, relation) + belay_tasks_bytes_of(b, key->other));
    if (added != NULL)
        belay_tasks_depend(b, node, *added);
    belay_tasks_depend(b, b->foreign, node);
    return node;
}

static void add_second_step(belay_tasks_builder *b, const foreign_key *key, const size_t *added)
{
    BELAY_AUTO(belay_free) char *mark = belay_format("valid %ld", key->entry->id);
    if (!belay_entry_is_not_valid(key->entry) && !belay_tasks_is_done(b, mark))
        add_validation(b, key, key->relation, belay_take(mark), added);
}

/* NOT VALID first where the server can have that, and where checking it takes time. */
static bool is_two_steps(const belay_tasks_builder *b, const foreign_key *key)
{
    BELAY_AUTO(belay_free) char *validate = belay_entry_alter(key->entry, NULL, "VALIDATE CONSTRAINT");
    if (!is_known(key) || validate == NULL || !belay_entry_is_enforced(key->entry))
        return false;
    return relation_of(b, key->relation)->kind == 'r' &&
           belay_tasks_bytes_of(b, key->relation) >= BELAY_SMALL_BYTES;
}

/* After all rows and keys that it needs. */
static void wait_for_tables(belay_tasks_builder *b, const foreign_key *key, size_t node)
{
    bool known = is_known(key);
    size_t own = known ? belay_tasks_family_of(b, key->relation) : 0;
    size_t other = known ? belay_tasks_family_of(b, key->other) : 0;
    belay_tasks_depend(b, node, known ? b->stands[own].loaded : b->all_loaded);
    belay_tasks_depend(b, node, known ? b->stands[other].loaded : b->all_loaded);
    belay_tasks_depend(b, node, known ? b->stands[other].keyed : b->all_keyed);
    if (!known || relation_of(b, key->other)->kind == 'p')
        belay_tasks_depend(b, node, b->attached);
}

static size_t add_key(belay_tasks_builder *b, const foreign_key *key, belay_task task, uint64_t bytes)
{
    task.entry = key->entry;
    task.relation = key->relation;
    belay_tasks_claim(b, &task, key->relation, true, true);
    belay_tasks_claim(b, &task, key->other, true, true);
    size_t node = belay_tasks_add(b, task, bytes);
    wait_for_tables(b, key, node);
    return node;
}

/* Could the server take one for the other: has a key of the same columns a table of its own above or below,
 * or this one a second? */
static bool has_double(const belay_tasks_builder *b, const foreign_keys *all, const foreign_key *key)
{
    for (size_t i = 0; i < all->count; i++) {
        const foreign_key *k = &all->items[i];
        bool near = k->relation == key->relation || is_below(b, k->relation, key->relation) ||
                    is_below(b, key->relation, k->relation);
        if (k != key && near && k->other == key->other && belay_entry_is_same_reference(k->entry, key->entry))
            return true;
    }
    return false;
}

/* The tables below a partitioned one that hold rows; NULL where a partition is none of ours, or there is
 * none. */
static belay_leaves *find_leaves(const belay_tasks_builder *b, long top)
{
    belay_leaves *leaves = belay_alloc(sizeof *leaves);
    bool plain = true;
    for (size_t i = 0; i < b->from->relations->count; i++) {
        const belay_relation *r = relation_of(b, (long)i);
        if (r->kind == 'p' || !is_below(b, (long)i, top))
            continue;
        plain = plain && r->kind == 'r' && !r->of_extension;
        leaves->items = belay_realloc_array(leaves->items, leaves->count + 1, sizeof *leaves->items);
        leaves->items[leaves->count++] =
            (belay_leaf){.relation = (long)i, .checked = b->stands[i].bytes < BELAY_SMALL_BYTES};
    }
    if (plain && leaves->count > 0)
        return leaves;
    belay_leaves_free(leaves);
    return NULL;
}

/* Where the server would not take the partitions' keys over, or not leave everything as its own way does, the
 * table's key is added as it stands. `note` is of the mark that says that they were added, NULL: not yet. */
static bool may_go_by_leaves(
    const belay_tasks_builder *b, const foreign_keys *all, const foreign_key *key, const char *note)
{
    BELAY_AUTO(belay_free) char *add = belay_entry_add_to(key->entry, "t");
    if (!is_known(key) || add == NULL || key->entry->statement_count != 1 ||
        relation_of(b, key->relation)->kind != 'p' || relation_of(b, key->other)->kind != 'r' ||
        belay_tasks_family_of(b, key->relation) == belay_tasks_family_of(b, key->other) ||
        belay_entry_is_not_valid(key->entry) || !belay_entry_is_enforced(key->entry))
        return false;
    bool wanted = note != NULL ? note[0] == '\0'
                               : b->from->jobs > 1 && bytes_checked(b, key->relation) >= BELAY_SMALL_BYTES;
    return wanted && !has_double(b, all, key);
}

/* The partitions' keys; the number of the task that adds the table's own. */
static size_t add_by_leaves(
    belay_tasks_builder *b, const foreign_key *key, belay_leaves *leaves, char *mark, bool there)
{
    size_t first = 0;
    size_t last = add_key(b, key, (belay_task){.kind = BELAY_TASK_FOREIGN_KEY, .leaves = leaves}, 0);
    leaves->there = there;
    if (there)
        free(mark);
    else
        first = add_key(
            b, key, (belay_task){.kind = BELAY_TASK_LEAF_KEYS, .leaves = leaves, .key = mark}, UINT64_MAX);
    for (size_t i = 0; i < leaves->count; i++) {
        long relation = leaves->items[i].relation;
        BELAY_AUTO(belay_free)
        char *valid = belay_format("leaf %ld %u", key->entry->id, relation_of(b, relation)->oid);
        if (leaves->items[i].checked || belay_tasks_is_done(b, valid))
            continue;
        size_t node = add_validation(b, key, relation, belay_take(valid), there ? NULL : &first);
        b->ret->items[node].leaves = leaves;
        belay_tasks_depend(b, last, node);
    }
    if (!there)
        belay_tasks_depend(b, last, first);
    return last;
}

static size_t add_at_once(belay_tasks_builder *b, const foreign_key *key, bool two)
{
    uint64_t bytes = bytes_checked(b, key->relation);
    const belay_task task = {
        .kind = BELAY_TASK_FOREIGN_KEY, .part = two ? 1 : 0, .small = !two && bytes < BELAY_SMALL_BYTES};
    return add_key(b, key, task, bytes);
}

static void add_foreign_key(belay_tasks_builder *b, const foreign_keys *all, foreign_key *key)
{
    bool two = is_two_steps(b, key);
    if (belay_tasks_entry_is_done(b, key->entry)) {
        if (two)
            add_second_step(b, key, NULL);
        return;
    }
    BELAY_AUTO(belay_free) char *mark = belay_format("leaves %ld", key->entry->id);
    const char *note = belay_marks_find(b->from->marks, mark);
    belay_leaves *leaves = may_go_by_leaves(b, all, key, note) ? find_leaves(b, key->relation) : NULL;
    key->added = true;
    key->node = leaves != NULL ? add_by_leaves(b, key, leaves, belay_take(mark), note != NULL)
                               : add_at_once(b, key, two);
    belay_tasks_depend(b, b->foreign, key->node);
    if (two)
        add_second_step(b, key, &key->node);
}

/* A partition's own key that is like one of the table above is added after it, or the server would take it
 * for that one's. Where both have one name, the partition's needs it first. */
static void order(belay_tasks_builder *b, const foreign_keys *all, const foreign_key *key)
{
    for (size_t i = 0; i < all->count; i++) {
        const foreign_key *k = &all->items[i];
        if (k->added && k->other == key->other && is_below(b, key->relation, k->relation) &&
            belay_entry_is_same_reference(k->entry, key->entry) &&
            !belay_entry_is_same_name(k->entry, key->entry))
            belay_tasks_depend(b, key->node, k->node);
    }
}

void belay_tasks_add_foreign_keys(belay_tasks_builder *b)
{
    const belay_toc *toc = b->from->toc;
    BELAY_AUTO(belay_free)
    foreign_key *items = belay_realloc_array(NULL, toc->count - toc->pre_count + 1, sizeof *items);
    foreign_keys all = {items, 0};
    for (size_t i = toc->pre_count; i < toc->count; i++) {
        const belay_toc_entry *entry = &toc->entries[i];
        if (belay_equal(entry->type, "FK CONSTRAINT"))
            items[all.count++] = (foreign_key){.entry = entry,
                .relation = belay_entry_table(entry, b->from->relations),
                .other = belay_entry_referenced(entry, b->from->relations)};
    }
    for (size_t i = 0; i < all.count; i++)
        add_foreign_key(b, &all, &items[i]);
    for (size_t i = 0; i < all.count; i++) {
        if (items[i].added && is_known(&items[i]) && relation_of(b, items[i].relation)->is_partition)
            order(b, &all, &items[i]);
    }
}
