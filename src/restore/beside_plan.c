#include "restore/beside_plan.h"

#include "pg/names.h"
#include "pg/pg.h"
#include "restore/qualified.h"
#include "restore/sql_token.h"

/* The TOC with the names in each entry's first statement. */
typedef struct names {
    const belay_toc *toc;
    belay_list *of;
} names;

static void read_names(const belay_toc *toc, names *ret)
{
    *ret = (names){toc, belay_realloc_array(NULL, toc->count + 1, sizeof *ret->of)};
    for (size_t i = 0; i < toc->count; i++) {
        ret->of[i] = (belay_list){0};
        if (toc->entries[i].statement_count > 0 && !belay_equal(toc->entries[i].type, "FUNCTION"))
            belay_qualified_collect(toc->entries[i].statements[0], &ret->of[i]);
    }
}

static void names_done_p(names *n)
{
    for (size_t i = 0; n->of != NULL && i < n->toc->count; i++)
        belay_list_done(&n->of[i]);
    free(n->of);
}

void belay_beside_plan_done(belay_beside_plan *plan)
{
    belay_list_done(&plan->tables);
    belay_list_done(&plan->keys);
    belay_list_done(&plan->left_out);
    free(plan->entries);
    *plan = (belay_beside_plan){0};
}

static bool is(const names *n, size_t entry, const char *type)
{
    return n->of[entry].count > 0 && belay_equal(n->toc->entries[entry].type, type);
}

static bool add_table(belay_beside_plan *plan, const char *key)
{
    if (belay_list_has(&plan->tables, key))
        return false;
    belay_list_add(&plan->tables, key);
    belay_list_add(&plan->keys, key);
    return true;
}

/* "orders" or "public.orders", as a person types it. */
static bool fits(const char *typed, const char *key)
{
    BELAY_AUTO(belay_free) char *schema = belay_qualified_schema(key);
    BELAY_AUTO(belay_free) char *name = belay_qualified_name(key);
    BELAY_AUTO(belay_free) char *both = belay_format("%s.%s", schema, name);
    BELAY_AUTO(belay_free) char *quoted = belay_name_typed(schema, name);
    return belay_equal(typed, name) || belay_equal(typed, both) || belay_equal(typed, key) ||
           belay_equal(typed, quoted);
}

/* A schema that a `restore --table` made by itself: what is in it are copies, meant to be dropped. */
static bool is_copy(const char *key)
{
    static const char of_ids[] = "0123456789abcdef";
    BELAY_AUTO(belay_free) char *schema = belay_qualified_schema(key);
    const char *id = schema + sizeof BELAY_BESIDE_SCHEMA - 1;
    return belay_starts_with(schema, BELAY_BESIDE_SCHEMA) && strlen(id) == BELAY_BESIDE_ID_LENGTH &&
           strspn(id, of_ids) == BELAY_BESIDE_ID_LENGTH;
}

static bool in_schema(const char *schema, const char *key)
{
    BELAY_AUTO(belay_free) char *of = belay_qualified_schema(key);
    return belay_equal(schema, of);
}

/* Why there is no such table: something else has its name. */
static const char *other_kind(const names *n, const char *typed)
{
    static const char *const others[][2] = {{"VIEW", "a view"}, {"MATERIALIZED VIEW", "a materialized view"},
        {"FOREIGN TABLE", "a foreign table"}, {"SEQUENCE", "a sequence"}};
    for (size_t i = 0; i < n->toc->pre_count; i++) {
        const belay_toc_entry *entry = &n->toc->entries[i];
        BELAY_AUTO(belay_free) char *both = belay_format("%s.%s", entry->schema, entry->name);
        for (size_t k = 0; k < BELAY_COUNT(others); k++) {
            if (belay_equal(entry->type, others[k][0]) &&
                (belay_equal(typed, entry->name) || belay_equal(typed, both)))
                return others[k][1];
        }
    }
    return NULL;
}

/* Each table that `chosen` names. */
static void find_by(
    const names *n, const char *chosen, bool (*match)(const char *, const char *), belay_list *ret)
{
    for (size_t i = 0; i < n->toc->pre_count; i++) {
        if (is(n, i, "TABLE") && match(chosen, n->of[i].items[0]))
            belay_list_add(ret, n->of[i].items[0]);
    }
}

/* The only one, or the only one that is no copy; NULL when that is not one. */
static const char *the_one(const belay_list *found)
{
    const char *one = NULL;
    for (size_t i = 0; i < found->count && found->count > 1; i++) {
        if (is_copy(found->items[i]))
            continue;
        if (one != NULL)
            return NULL;
        one = found->items[i];
    }
    return found->count == 1 ? found->items[0] : one;
}

static bool choose_table(const names *n, const char *typed, belay_beside_plan *plan, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list found = {0};
    find_by(n, typed, fits, &found);
    const char *one = the_one(&found);
    const char *other = found.count == 0 ? other_kind(n, typed) : NULL;
    if (other != NULL)
        return belay_fail(err, BELAY_E_UNSUPPORTED,
            "\"%s\" is %s in the snapshot: only tables can be restored alone", typed, other);
    if (found.count == 0) {
        belay_fail(err, BELAY_E_NOT_FOUND, "the snapshot has no table \"%s\"", typed);
        return belay_error_hint(err, "`belay snapshots show ID` lists its tables");
    }
    if (one != NULL) {
        add_table(plan, one);
        return true;
    }
    BELAY_AUTO(belay_free) char *all = belay_list_join(&found, ", ");
    belay_fail(err, BELAY_E_USAGE, "several tables are called \"%s\": %s", typed, all);
    return belay_error_hint(err, "name the schema too");
}

static bool choose_schema(const names *n, const char *schema, belay_beside_plan *plan, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list found = {0};
    find_by(n, schema, in_schema, &found);
    for (size_t i = 0; i < found.count; i++)
        add_table(plan, found.items[i]);
    return found.count > 0 ||
           belay_fail(err, BELAY_E_NOT_FOUND, "the snapshot has no table in a schema \"%s\"", schema);
}

/* What stands behind INHERITS. */
static void read_parents(const names *n, size_t entry, belay_list *ret)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    belay_tokens_read(n->toc->entries[entry].statements[0], 0, &tokens);
    for (size_t i = 0; i < tokens.count; i++) {
        if (belay_token_is(&tokens, i, "INHERITS"))
            belay_qualified_collect(tokens.items[i].text, ret);
    }
}

static bool has_any(const belay_list *list, const belay_list *of)
{
    for (size_t i = 0; i < of->count; i++) {
        if (belay_list_has(list, of->items[i]))
            return true;
    }
    return false;
}

static bool is_table(const names *n, const char *key)
{
    for (size_t i = 0; i < n->toc->pre_count; i++) {
        if (is(n, i, "TABLE") && belay_equal(n->of[i].items[0], key))
            return true;
    }
    return false;
}

/* Adds the table that the entry makes a part of a chosen one; a foreign table stays where it is. */
static bool add_part(const names *n, size_t entry, const belay_list *parents, belay_beside_plan *plan)
{
    const belay_list *of = &n->of[entry];
    if (is(n, entry, "TABLE ATTACH"))
        return of->count > 1 && belay_list_has(&plan->tables, of->items[0]) && is_table(n, of->items[1]) &&
               add_table(plan, of->items[1]);
    return has_any(&plan->tables, parents) && add_table(plan, of->items[0]);
}

static bool check_parents(
    const names *n, const belay_beside_plan *plan, const belay_list *parents, belay_error *err)
{
    for (size_t i = 0; i < n->toc->pre_count; i++) {
        for (size_t p = 0; p < parents[i].count && belay_list_has(&plan->tables, n->of[i].items[0]); p++) {
            if (belay_list_has(&plan->tables, parents[i].items[p]))
                continue;
            belay_fail(err, BELAY_E_UNSUPPORTED, "table %s inherits from %s, which was not chosen",
                n->of[i].items[0], parents[i].items[p]);
            return belay_error_hint(err, "choose the parent: its children come with it");
        }
    }
    return true;
}

/* Partitions and children of what was chosen, at any depth. A child without its parent would become one of
 * the living parent. */
static bool add_parts(const names *n, belay_beside_plan *plan, belay_error *err)
{
    belay_list *parents = belay_realloc_array(NULL, n->toc->pre_count + 1, sizeof *parents);
    for (size_t i = 0; i < n->toc->pre_count; i++) {
        parents[i] = (belay_list){0};
        if (is(n, i, "TABLE"))
            read_parents(n, i, &parents[i]);
    }
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < n->toc->pre_count; i++)
            more = add_part(n, i, &parents[i], plan) || more;
    }
    bool ok = check_parents(n, plan, parents, err);
    for (size_t i = 0; i < n->toc->pre_count; i++)
        belay_list_done(&parents[i]);
    free(parents);
    return ok;
}

/* Two of one name do not fit into one schema. */
static bool check_names(const belay_beside_plan *plan, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list all = {0};
    for (size_t i = 0; i < plan->keys.count; i++)
        belay_list_add_owned(&all, belay_qualified_name(plan->keys.items[i]));
    belay_list_sort(&all);
    for (size_t i = 1; i < all.count; i++) {
        if (!belay_equal(all.items[i - 1], all.items[i]))
            continue;
        belay_fail(err, BELAY_E_USAGE,
            "two of the chosen tables, or of their indexes or sequences, are called \"%s\"", all.items[i]);
        return belay_error_hint(err, "restore one schema after the other, each into a schema of its own");
    }
    return true;
}

static void add_sequences(const names *n, belay_beside_plan *plan)
{
    for (size_t i = 0; i < n->toc->pre_count; i++) {
        const belay_list *of = &n->of[i];
        /* ALTER SEQUENCE s OWNED BY t.c; ALTER TABLE t ALTER c ADD GENERATED ... (SEQUENCE NAME s ...) */
        if (is(n, i, "SEQUENCE OWNED BY") && of->count == 2 && belay_list_has(&plan->tables, of->items[1]))
            belay_list_add(&plan->keys, of->items[0]);
        else if (is(n, i, "SEQUENCE") && of->count == 2 && belay_list_has(&plan->tables, of->items[0]))
            belay_list_add(&plan->keys, of->items[1]);
    }
}

/* An index has the schema of its table: what stands behind INDEX, or behind ADD CONSTRAINT. */
static void add_indexes(const names *n, belay_beside_plan *plan)
{
    for (size_t i = n->toc->pre_count; i < n->toc->count; i++) {
        bool index = is(n, i, "INDEX");
        if ((!index && !is(n, i, "CONSTRAINT")) || !belay_list_has(&plan->tables, n->of[i].items[0]))
            continue;
        BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
        belay_tokens_read(n->toc->entries[i].statements[0], 16, &tokens);
        size_t at = 0;
        while (at + 1 < tokens.count && !belay_token_is(&tokens, at, index ? "INDEX" : "CONSTRAINT"))
            at++;
        BELAY_AUTO(belay_free)
        char *name = at + 1 < tokens.count ? belay_token_name(&tokens.items[at + 1]) : NULL;
        BELAY_AUTO(belay_free) char *schema = belay_qualified_schema(n->of[i].items[0]);
        if (name != NULL)
            belay_list_add_owned(&plan->keys, belay_quote_qualified(schema, name));
    }
}

/* CREATE STATISTICS public.stats ON ... FROM public.orders */
static bool is_statistics(const names *n, size_t entry, const belay_beside_plan *plan)
{
    const belay_list *of = &n->of[entry];
    return is(n, entry, "STATISTICS") && of->count > 1 &&
           belay_list_has(&plan->tables, of->items[of->count - 1]);
}

static void add_statistics(const names *n, belay_beside_plan *plan)
{
    for (size_t i = n->toc->pre_count; i < n->toc->count; i++) {
        if (is_statistics(n, i, plan))
            belay_list_add(&plan->keys, n->of[i].items[0]);
    }
}

static bool is_made(const belay_beside_plan *plan, long id)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->entries[i]->id == id)
            return true;
    }
    return false;
}

/* Of what is made; pg_dump writes it behind that. */
static bool is_comment_of_made(const belay_toc_entry *entry, const belay_beside_plan *plan)
{
    for (size_t i = 0; i < entry->depends_count; i++) {
        if (!is_made(plan, entry->depends[i]))
            return false;
    }
    return entry->depends_count > 0;
}

static bool is_wanted(
    const names *n, size_t entry, const belay_beside_kind *kind, const belay_beside_plan *plan)
{
    for (size_t i = 0; kind->all && i < n->of[entry].count; i++) {
        if (!belay_list_has(&plan->keys, n->of[entry].items[i]))
            return false;
    }
    return kind->made;
}

static void add_entries(const names *n, belay_beside_plan *plan)
{
    plan->entries = belay_realloc_array(NULL, n->toc->count + 1, sizeof *plan->entries);
    for (size_t i = 0; i < n->toc->count; i++) {
        const belay_toc_entry *entry = &n->toc->entries[i];
        const belay_beside_kind *kind = belay_beside_kind_of(entry);
        if (kind == NULL || n->of[i].count == 0 || !belay_list_has(&plan->keys, n->of[i].items[0]))
            continue;
        bool comment = is(n, i, "COMMENT");
        if (comment ? is_comment_of_made(entry, plan) : is_wanted(n, i, kind, plan)) {
            plan->pre_count += i < n->toc->pre_count;
            plan->entries[plan->count++] = entry;
        } else if (!comment) {
            belay_list_add_owned(&plan->left_out, belay_toc_label(entry));
        }
    }
}

bool belay_beside_choose(const belay_toc *toc, const belay_list *tables, const belay_list *schemas,
    belay_beside_plan *ret, belay_error *err)
{
    BELAY_AUTO(names_done) names n = {0};
    read_names(toc, &n);
    for (size_t i = 0; i < tables->count; i++) {
        if (!choose_table(&n, tables->items[i], ret, err))
            return false;
    }
    for (size_t i = 0; i < schemas->count; i++) {
        if (!choose_schema(&n, schemas->items[i], ret, err))
            return false;
    }
    if (!add_parts(&n, ret, err))
        return false;
    add_sequences(&n, ret);
    add_indexes(&n, ret);
    if (!check_names(ret, err))
        return false;
    add_statistics(&n, ret);
    add_entries(&n, ret);
    return true;
}
