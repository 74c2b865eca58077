#include "restore/subscriptions.h"

#include "restore/restore.sql.h"
#include "restore/script.h"
#include "restore/sql_token.h"

/* CREATE SUBSCRIPTION name CONNECTION 'string' ... */
enum { TOKEN_NAME = 2, TOKEN_CONNECTION = 3, TOKEN_STRING = 4 };

void belay_subscriptions_done(belay_subscriptions *subscriptions)
{
    for (size_t i = 0; i < subscriptions->count; i++) {
        free(subscriptions->items[i].name);
        free(subscriptions->items[i].slot);
        free(subscriptions->items[i].statement);
    }
    free(subscriptions->items);
    *subscriptions = (belay_subscriptions){0};
}

static bool is_subscription(const belay_toc_entry *entry)
{
    return belay_equal(entry->type, "SUBSCRIPTION");
}

static bool is_said_of_one(const belay_toc_entry *entry)
{
    return (belay_equal(entry->type, "COMMENT") || belay_equal(entry->type, "SECURITY LABEL")) &&
           belay_starts_with(entry->name, "SUBSCRIPTION ");
}

bool belay_subscriptions_own(const belay_toc_entry *entry)
{
    return is_subscription(entry) || is_said_of_one(entry);
}

/* The string of "slot_name = 'string'" among the options; NULL for slot_name = NONE. */
static char *slot_of(const belay_tokens *tokens)
{
    static const char option[] = "slot_name";
    for (size_t i = 0; i + 2 < tokens->count; i++) {
        const belay_token *token = &tokens->items[i];
        const belay_token *value = &tokens->items[i + 2];
        if (token->kind == BELAY_TOKEN_WORD && token->depth == 1 && token->length == strlen(option) &&
            memcmp(token->text, option, token->length) == 0)
            return value->kind == BELAY_TOKEN_STRING ? belay_token_name(value) : NULL;
    }
    return NULL;
}

static char *without_connection(const char *sql, const belay_tokens *tokens)
{
    const belay_token *string = &tokens->items[TOKEN_STRING];
    if (!belay_token_is(tokens, TOKEN_CONNECTION, "CONNECTION") || tokens->count <= TOKEN_STRING)
        return belay_strdup("CREATE SUBSCRIPTION ...");
    return belay_format("%.*s'...'%s", (int)(string->text - sql), sql, string->text + string->length);
}

static void add(const belay_toc_entry *entry, belay_subscriptions *ret)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    if (entry->statement_count == 0)
        return;
    belay_tokens_read(entry->statements[0], 0, &tokens);
    char *name = tokens.count <= TOKEN_NAME ? NULL : belay_token_name(&tokens.items[TOKEN_NAME]);
    ret->items = belay_realloc_array(ret->items, ret->count + 1, sizeof *ret->items);
    ret->items[ret->count++] = (belay_subscription){.name = name == NULL ? belay_strdup(entry->name) : name,
        .slot = slot_of(&tokens),
        .statement = without_connection(entry->statements[0], &tokens)};
}

/* *ret stays NULL for a snapshot without any: most are, and their toc is not taken apart for this. */
static bool read_toc(belay_archive *archive, belay_toc **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t size = 0;
    if (!belay_archive_read_decoded(archive, "toc.json", &text, &size, err))
        return false;
    return strstr(text, "\"SUBSCRIPTION\"") == NULL || belay_toc_read(archive, ret, err);
}

static void collect(const belay_toc *toc, belay_subscriptions *ret)
{
    for (size_t i = 0; toc != NULL && i < toc->count; i++) {
        if (is_subscription(&toc->entries[i]))
            add(&toc->entries[i], ret);
    }
}

bool belay_subscriptions_read(belay_archive *archive, belay_subscriptions *ret, belay_error *err)
{
    BELAY_AUTO(belay_toc_free) belay_toc *toc = NULL;
    if (!read_toc(archive, &toc, err))
        return false;
    collect(toc, ret);
    return true;
}

static bool depends_on(const belay_toc_entry *entry, long id)
{
    for (size_t i = 0; i < entry->depends_count; i++) {
        if (entry->depends[i] == id)
            return true;
    }
    return false;
}

/* The subscription and what is said of it, or nothing. */
static bool make(belay_ddl *script, const belay_toc *toc, const belay_toc_entry *own, belay_error *err)
{
    BELAY_AUTO(belay_free)
    const belay_toc_entry **entries = belay_realloc_array(NULL, toc->count, sizeof(const belay_toc_entry *));
    size_t count = 0;
    entries[count++] = own;
    for (size_t i = toc->pre_count; i < toc->count; i++) {
        if (is_said_of_one(&toc->entries[i]) && depends_on(&toc->entries[i], own->id))
            entries[count++] = &toc->entries[i];
    }
    return belay_ddl_try(script, entries, count, err);
}

static void find(const belay_rows *there, belay_subscription *item)
{
    for (size_t row = 0; row < belay_rows_count(there); row++) {
        if (!belay_equal(belay_rows_text(there, row, 0), item->name))
            continue;
        item->there = true;
        item->same_slot = belay_equal(belay_rows_text(there, row, 1), item->slot == NULL ? "" : item->slot);
    }
}

static void make_missing(
    belay_ddl *script, const belay_toc *toc, const belay_rows *there, belay_subscriptions *ret)
{
    belay_subscription *item = ret->items;
    for (size_t i = 0; i < toc->count; i++) {
        const belay_toc_entry *entry = &toc->entries[i];
        if (!is_subscription(entry) || entry->statement_count == 0)
            continue;
        find(there, item);
        if (!item->there)
            make(script, toc, entry, &item->why);
        item++;
    }
}

bool belay_subscriptions_make(belay_archive *archive, belay_pg *pg, const belay_list *role_map,
    belay_subscriptions *ret, belay_error *err)
{
    BELAY_AUTO(belay_toc_free) belay_toc *toc = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *there = NULL;
    BELAY_AUTO(belay_ddl_done) belay_ddl script = {.role_map = role_map};
    if (!read_toc(archive, &toc, err))
        return false;
    collect(toc, ret);
    if (ret->count == 0)
        return true;
    if (!belay_pg_query0(pg, sql_subscriptions_here, &there, err) || !belay_ddl_init(&script, pg, err) ||
        !belay_ddl_begin(&script, toc->post_prologue, err))
        return false;
    make_missing(&script, toc, there, ret);
    return true;
}
