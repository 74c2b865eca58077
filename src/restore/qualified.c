#include "restore/qualified.h"

#include <strings.h>

#include "pg/pg.h"
#include "restore/sql_token.h"

enum { NAME_TOKENS = 3 }; /* schema, dot, name */

static bool is_name(const belay_tokens *tokens, size_t at)
{
    return at < tokens->count &&
           (tokens->items[at].kind == BELAY_TOKEN_WORD || tokens->items[at].kind == BELAY_TOKEN_QUOTED);
}

static bool is_collate(const belay_token *token)
{
    static const char word[] = "COLLATE";
    return token->kind == BELAY_TOKEN_WORD && token->length == strlen(word) &&
           strncasecmp(token->text, word, token->length) == 0;
}

/* CREATE TABLE public.orders (...), REFERENCES public.orders(id), CREATE STATISTICS public.orders_stats (...)
 */
static bool introduces(const belay_tokens *tokens, size_t at)
{
    return belay_token_is(tokens, at, "TABLE") || belay_token_is(tokens, at, "REFERENCES") ||
           belay_token_is(tokens, at, "STATISTICS");
}

/* Does the qualified name of a relation begin at `at`? What else stands before a parenthesis is a function.
 */
static bool begins(const belay_tokens *tokens, size_t at)
{
    if (!is_name(tokens, at) || !belay_token_is_symbol(tokens, at + 1, '.') || !is_name(tokens, at + 2))
        return false;
    if (at > 0 && (belay_token_is_symbol(tokens, at - 1, '.') || is_collate(&tokens->items[at - 1])))
        return false;
    return !belay_token_is_symbol(tokens, at + NAME_TOKENS, '(') || (at > 0 && introduces(tokens, at - 1));
}

static char *key_at(const belay_tokens *tokens, size_t at)
{
    BELAY_AUTO(belay_free) char *schema = belay_token_name(&tokens->items[at]);
    BELAY_AUTO(belay_free) char *name = belay_token_name(&tokens->items[at + 2]);
    return belay_quote_qualified(schema, name);
}

void belay_qualified_collect(const char *sql, belay_list *ret)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    belay_tokens_read(sql, 0, &tokens);
    for (size_t i = 0; i < tokens.count; i++) {
        if (begins(&tokens, i))
            belay_list_add_owned(ret, key_at(&tokens, i));
    }
}

/* 'public.orders_id_seq'::regclass: the literal's content in another schema; NULL when it stays. */
static char *move_literal(
    const belay_tokens *tokens, size_t at, const belay_list *keys, const char *quoted_schema)
{
    if (tokens->items[at].kind != BELAY_TOKEN_STRING || !belay_token_is_symbol(tokens, at + 1, ':') ||
        !belay_token_is_symbol(tokens, at + 2, ':') || !is_name(tokens, at + 3))
        return NULL;
    BELAY_AUTO(belay_free) char *type = belay_token_name(&tokens->items[at + 3]);
    BELAY_AUTO(belay_free) char *text = belay_token_name(&tokens->items[at]);
    BELAY_AUTO(belay_tokens_done) belay_tokens inside = {0};
    if (text == NULL || !belay_equal(type, "regclass"))
        return NULL;
    belay_tokens_read(text, 0, &inside);
    if (inside.count != NAME_TOKENS || !begins(&inside, 0))
        return NULL;
    BELAY_AUTO(belay_free) char *key = key_at(&inside, 0);
    if (!belay_list_has(keys, key))
        return NULL;
    BELAY_AUTO(belay_free) char *moved = belay_format("%s.%s", quoted_schema, inside.items[2].text);
    return belay_quote_literal(moved);
}

char *belay_qualified_move(
    const char *sql, const belay_list *names, const belay_list *keys, const char *schema)
{
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(schema);
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    belay_str moved = BELAY_STR_MAX(SIZE_MAX / 2);
    const char *at = sql;
    belay_tokens_read(sql, 0, &tokens);
    for (size_t i = 0; i < tokens.count; i++) {
        BELAY_AUTO(belay_free) char *key = begins(&tokens, i) ? key_at(&tokens, i) : NULL;
        BELAY_AUTO(belay_free)
        char *with = key == NULL                  ? move_literal(&tokens, i, keys, quoted)
                     : belay_list_has(names, key) ? belay_strdup(quoted)
                                                  : NULL;
        if (with == NULL)
            continue;
        belay_str_append_n(&moved, at, (size_t)(tokens.items[i].text - at));
        belay_str_append(&moved, with);
        at = tokens.items[i].text + tokens.items[i].length;
    }
    belay_str_append(&moved, at);
    return belay_str_steal(&moved);
}

static char *part_of(const char *key, size_t token)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    belay_tokens_read(key, 0, &tokens);
    return belay_token_name(&tokens.items[token]);
}

char *belay_qualified_name(const char *key)
{
    return part_of(key, 2);
}

char *belay_qualified_schema(const char *key)
{
    return part_of(key, 0);
}
