#include "restore/beside_plan.h"

#include "pg/pg.h"
#include "restore/qualified.h"
#include "restore/sql_token.h"

/* What is made of the chosen tables: entries whose first name is one of their relations, or all of whose
 * names are. */
static const struct {
    const char *type;
    bool all;
} kinds[] = {{"TABLE", false}, {"SEQUENCE", false}, {"SEQUENCE OWNED BY", true}, {"DEFAULT", false},
    {"TABLE ATTACH", true}, {"COMMENT", false}, {"CONSTRAINT", false}, {"CHECK CONSTRAINT", false},
    {"INDEX", false}, {"INDEX ATTACH", true}, {"FK CONSTRAINT", true}};

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
    return belay_equal(typed, name) || belay_equal(typed, both) || belay_equal(typed, key);
}

static bool in_schema(const char *schema, const char *key)
{
    BELAY_AUTO(belay_free) char *of = belay_qualified_schema(key);
    return belay_equal(schema, of);
}

/* Each table that `chosen` names; returns how many those are. */
static size_t choose_by(const names *n, const char *chosen, bool (*match)(const char *, const char *),
    belay_beside_plan *plan, belay_list *ret_found)
{
    for (size_t i = 0; i < n->toc->pre_count; i++) {
        if (!is(n, i, "TABLE") || !match(chosen, n->of[i].items[0]))
            continue;
        add_table(plan, n->of[i].items[0]);
        belay_list_add(ret_found, n->of[i].items[0]);
    }
    return ret_found->count;
}

static bool choose_table(const names *n, const char *typed, belay_beside_plan *plan, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list found = {0};
    size_t count = choose_by(n, typed, fits, plan, &found);
    if (count == 0) {
        belay_fail(err, BELAY_E_NOT_FOUND, "the snapshot has no table \"%s\"", typed);
        return belay_error_hint(err, "`belay snapshots show ID` lists its tables");
    }
    if (count == 1)
        return true;
    BELAY_AUTO(belay_free) char *all = belay_list_join(&found, ", ");
    belay_fail(err, BELAY_E_USAGE, "several tables are called \"%s\": %s", typed, all);
    return belay_error_hint(err, "name the schema too");
}

static bool choose_schema(const names *n, const char *schema, belay_beside_plan *plan, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list found = {0};
    return choose_by(n, schema, in_schema, plan, &found) > 0 ||
           belay_fail(err, BELAY_E_NOT_FOUND, "the snapshot has no table in a schema \"%s\"", schema);
}

/* Partitions of what was chosen, at any depth. */
static void add_partitions(const names *n, belay_beside_plan *plan)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < n->toc->count; i++) {
            if (is(n, i, "TABLE ATTACH") && n->of[i].count > 1 &&
                belay_list_has(&plan->tables, n->of[i].items[0]) && add_table(plan, n->of[i].items[1]))
                more = plan->partitioned = true;
        }
    }
}

/* A child table without its parent would become a child of the living one. */
static bool check_parents(const names *n, const belay_beside_plan *plan, size_t entry, belay_error *err)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    const char *sql = n->toc->entries[entry].statements[0];
    belay_tokens_read(sql, 0, &tokens);
    for (size_t i = 0; i < tokens.count; i++) {
        if (!belay_token_is(&tokens, i, "INHERITS"))
            continue;
        BELAY_AUTO(belay_list_done) belay_list parents = {0};
        belay_qualified_collect(tokens.items[i].text, &parents);
        for (size_t p = 0; p < parents.count; p++) {
            if (belay_list_has(&plan->tables, parents.items[p]))
                continue;
            belay_fail(err, BELAY_E_UNSUPPORTED, "table %s inherits from %s, which was not chosen",
                n->of[entry].items[0], parents.items[p]);
            return belay_error_hint(err, "choose the parent too, with another --table");
        }
    }
    return true;
}

/* Two of one name do not fit into one schema. */
static bool check_names(const belay_beside_plan *plan, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list seen = {0};
    for (size_t i = 0; i < plan->tables.count; i++) {
        BELAY_AUTO(belay_free) char *name = belay_qualified_name(plan->tables.items[i]);
        if (belay_list_has(&seen, name)) {
            belay_fail(err, BELAY_E_USAGE, "two of the chosen tables are called \"%s\"", name);
            return belay_error_hint(err, "restore one schema after the other");
        }
        belay_list_add_owned(&seen, belay_take(name));
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

/* Comments on constraints, triggers and the like may be on something that is left out. */
static bool is_plain_comment(const char *sql)
{
    return belay_starts_with(sql, "COMMENT ON TABLE ") || belay_starts_with(sql, "COMMENT ON COLUMN ") ||
           belay_starts_with(sql, "COMMENT ON INDEX ") || belay_starts_with(sql, "COMMENT ON SEQUENCE ");
}

static bool is_wanted(const names *n, size_t entry, const belay_beside_plan *plan)
{
    const belay_toc_entry *e = &n->toc->entries[entry];
    for (size_t k = 0; k < BELAY_COUNT(kinds); k++) {
        if (!belay_equal(e->type, kinds[k].type))
            continue;
        for (size_t i = 0; kinds[k].all && i < n->of[entry].count; i++) {
            if (!belay_list_has(&plan->keys, n->of[entry].items[i]))
                return false;
        }
        return !belay_equal(e->type, "COMMENT") || is_plain_comment(e->statements[0]);
    }
    return false;
}

static void add_entries(const names *n, belay_beside_plan *plan)
{
    plan->entries = belay_realloc_array(NULL, n->toc->count + 1, sizeof *plan->entries);
    for (size_t i = 0; i < n->toc->count; i++) {
        if (n->of[i].count == 0 || !belay_list_has(&plan->keys, n->of[i].items[0]))
            continue;
        if (!is_wanted(n, i, plan)) {
            belay_list_add_owned(&plan->left_out, belay_toc_label(&n->toc->entries[i]));
            continue;
        }
        plan->pre_count += i < n->toc->pre_count;
        plan->entries[plan->count++] = &n->toc->entries[i];
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
    add_partitions(&n, ret);
    for (size_t i = 0; i < toc->pre_count; i++) {
        if (is(&n, i, "TABLE") && belay_list_has(&ret->tables, n.of[i].items[0]) &&
            !check_parents(&n, ret, i, err))
            return false;
    }
    if (!check_names(ret, err))
        return false;
    add_sequences(&n, ret);
    add_indexes(&n, ret);
    add_entries(&n, ret);
    return true;
}
