#include "restore/entry_sql.h"

#include "pg/pg.h"
#include "restore/sql_token.h"

/* After which word the table's name stands. */
static const struct {
    const char *type;
    const char *word;
} places[] = {
    {"INDEX", "ON"},
    {"CONSTRAINT", "TABLE"},
    {"FK CONSTRAINT", "TABLE"},
    {"STATISTICS", "FROM"},
};

static size_t find_word(const belay_tokens *tokens, size_t from, const char *word)
{
    while (from < tokens->count && !belay_token_is(tokens, from, word))
        from++;
    return from;
}

/* schema.name at `at`, ONLY before it passed over; sets *at behind it. */
static bool take_name(const belay_tokens *tokens, size_t *at, char **ret_schema, char **ret_name)
{
    if (belay_token_is(tokens, *at, "ONLY"))
        (*at)++;
    if (*at + 2 >= tokens->count || !belay_token_is_symbol(tokens, *at + 1, '.'))
        return false;
    *ret_schema = belay_token_name(&tokens->items[*at]);
    *ret_name = belay_token_name(&tokens->items[*at + 2]);
    *at += 3;
    return *ret_schema != NULL && *ret_name != NULL;
}

static long relation_after(const char *sql, const char *word, const belay_relations *relations)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    BELAY_AUTO(belay_free) char *schema = NULL;
    BELAY_AUTO(belay_free) char *name = NULL;
    belay_tokens_read(sql, 0, &tokens);
    size_t at = find_word(&tokens, 0, word) + 1;
    return take_name(&tokens, &at, &schema, &name) ? belay_relations_find(relations, schema, name)
                                                   : BELAY_NO_RELATION;
}

long belay_entry_table(const belay_toc_entry *entry, const belay_relations *relations)
{
    for (size_t i = 0; entry->statement_count > 0 && i < BELAY_COUNT(places); i++) {
        if (belay_equal(entry->type, places[i].type))
            return relation_after(entry->statements[0], places[i].word, relations);
    }
    return BELAY_NO_RELATION;
}

long belay_entry_referenced(const belay_toc_entry *entry, const belay_relations *relations)
{
    return entry->statement_count == 0 ? BELAY_NO_RELATION
                                       : relation_after(entry->statements[0], "REFERENCES", relations);
}

bool belay_entry_is_not_valid(const belay_toc_entry *entry)
{
    return entry->statement_count > 0 && belay_ends_with(entry->statements[0], " NOT VALID");
}

bool belay_entry_is_enforced(const belay_toc_entry *entry)
{
    return entry->statement_count > 0 && !belay_ends_with(entry->statements[0], " NOT ENFORCED");
}

/* The text of tokens from..end, as it stands. */
static belay_span text_of(const belay_tokens *tokens, size_t from, size_t end)
{
    if (from >= end)
        return (belay_span){"", 0};
    const belay_token *last = &tokens->items[end - 1];
    return (belay_span){
        tokens->items[from].text, (size_t)(last->text + last->length - tokens->items[from].text)};
}

/* "ALTER TABLE [ONLY] s.t ADD CONSTRAINT c": the token behind it, and the two names as written. */
static size_t constraint_head(const belay_tokens *tokens, belay_span *ret_table, belay_span *ret_name)
{
    BELAY_AUTO(belay_free) char *schema = NULL;
    BELAY_AUTO(belay_free) char *name = NULL;
    size_t at = 2;
    if (!belay_token_is(tokens, 0, "ALTER") || !belay_token_is(tokens, 1, "TABLE") ||
        !take_name(tokens, &at, &schema, &name) || !belay_token_is(tokens, at, "ADD") ||
        !belay_token_is(tokens, at + 1, "CONSTRAINT") || at + 3 > tokens->count)
        return 0;
    *ret_table = text_of(tokens, at - 3, at);
    *ret_name = text_of(tokens, at + 2, at + 3);
    return at + 3;
}

/* The same of an entry's first statement. */
static size_t read_head(
    const belay_toc_entry *entry, belay_tokens *tokens, belay_span *ret_table, belay_span *ret_name)
{
    if (entry->statement_count == 0)
        return 0;
    belay_tokens_read(entry->statements[0], 0, tokens);
    return constraint_head(tokens, ret_table, ret_name);
}

char *belay_entry_alter(const belay_toc_entry *entry, const char *table, const char *what)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    belay_span own, name;
    if (read_head(entry, &tokens, &own, &name) == 0)
        return NULL;
    if (table != NULL)
        own = (belay_span){table, strlen(table)};
    return belay_format(
        "ALTER TABLE ONLY %.*s %s %.*s", (int)own.length, own.data, what, (int)name.length, name.data);
}

char *belay_entry_add_to(const belay_toc_entry *entry, const char *table)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    belay_span own, name;
    size_t at = read_head(entry, &tokens, &own, &name);
    if (at == 0 || at >= tokens.count)
        return NULL;
    return belay_format("ALTER TABLE ONLY %s ADD CONSTRAINT %.*s %s", table, (int)name.length, name.data,
        tokens.items[at].text);
}

/* "(...) REFERENCES s.t(...)" of a foreign key; empty when not understood. */
static belay_span reference_of(const belay_tokens *tokens)
{
    size_t columns = find_word(tokens, 0, "FOREIGN") + 2;
    size_t end = find_word(tokens, columns, "REFERENCES");
    while (end < tokens->count && !belay_token_is_symbol(tokens, end, ')'))
        end++;
    return end < tokens->count ? text_of(tokens, columns, end + 1) : (belay_span){"", 0};
}

static bool is_same(belay_span a, belay_span b)
{
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

static bool compare_entries(const belay_toc_entry *a, const belay_toc_entry *b, bool names)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens left = {0};
    BELAY_AUTO(belay_tokens_done) belay_tokens right = {0};
    belay_span table, a_name, b_name;
    if (read_head(a, &left, &table, &a_name) == 0 || read_head(b, &right, &table, &b_name) == 0)
        return false;
    return names ? is_same(a_name, b_name) : is_same(reference_of(&left), reference_of(&right));
}

bool belay_entry_is_same_reference(const belay_toc_entry *a, const belay_toc_entry *b)
{
    return compare_entries(a, b, false);
}

bool belay_entry_is_same_name(const belay_toc_entry *a, const belay_toc_entry *b)
{
    return compare_entries(a, b, true);
}

/* Words that no plain unique index may have. */
static bool is_splittable(const belay_tokens *tokens, size_t from)
{
    for (size_t i = from; i < tokens->count; i++) {
        belay_token flat = tokens->items[i];
        flat.depth = 0;
        const belay_tokens one = {.items = &flat, .count = 1};
        if (belay_token_is(&one, 0, "OVERLAPS") || belay_token_is(&one, 0, "EXCLUDE") ||
            belay_token_is(&one, 0, "USING"))
            return false;
    }
    return true;
}

/* [PRIMARY KEY | UNIQUE] [NULLS NOT DISTINCT] (...) [INCLUDE (...)] [WITH (...)] [DEFERRABLE ...] */
bool belay_entry_split_key(const belay_toc_entry *entry, char **ret_index, char **ret_constraint)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    belay_span table, name;
    if (entry->statement_count == 0)
        return false;
    belay_tokens_read(entry->statements[0], 0, &tokens);
    size_t at = constraint_head(&tokens, &table, &name);
    bool primary = belay_token_is(&tokens, at, "PRIMARY");
    if (at == 0 || (!primary && !belay_token_is(&tokens, at, "UNIQUE")) || !is_splittable(&tokens, at))
        return false;
    size_t columns = at;
    while (columns < tokens.count && !belay_token_is_symbol(&tokens, columns, '('))
        columns++;
    size_t nulls = at + (primary ? 2 : 1);
    size_t end = columns;
    while (end < tokens.count && !belay_token_is(&tokens, end, "DEFERRABLE") &&
           !belay_token_is(&tokens, end, "NOT") && !belay_token_is(&tokens, end, "INITIALLY"))
        end++;
    size_t with = find_word(&tokens, columns, "WITH");
    with = with < end ? with : end;
    if (columns == tokens.count)
        return false;
    belay_span distinct = text_of(&tokens, nulls, columns);
    belay_span what = text_of(&tokens, columns, with);
    belay_span storage = text_of(&tokens, with, end);
    belay_span when = text_of(&tokens, end, tokens.count);
    *ret_index = belay_format("CREATE UNIQUE INDEX %.*s ON %.*s USING btree %.*s %.*s %.*s", (int)name.length,
        name.data, (int)table.length, table.data, (int)what.length, what.data, (int)distinct.length,
        distinct.data, (int)storage.length, storage.data);
    *ret_constraint = belay_format("ALTER TABLE ONLY %.*s ADD CONSTRAINT %.*s %s USING INDEX %.*s %.*s",
        (int)table.length, table.data, (int)name.length, name.data, primary ? "PRIMARY KEY" : "UNIQUE",
        (int)name.length, name.data, (int)when.length, when.data);
    return true;
}
