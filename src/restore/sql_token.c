#include "restore/sql_token.h"

#include <ctype.h>
#include <strings.h>

#include "util/mem.h"
#include "util/str.h"

static bool starts_word(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool in_word(char c)
{
    return starts_word(c) || isdigit((unsigned char)c) || c == '$';
}

/* Behind the closing quote; a doubled quote stays inside, a backslash escapes when asked. */
static const char *skip_quoted(const char *at, char quote, bool backslash)
{
    for (at++; *at != '\0'; at++) {
        if (backslash && *at == '\\' && at[1] != '\0')
            at++;
        else if (*at == quote && at[1] == quote)
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return at;
}

/* Behind a dollar quote that begins here; `at` itself when none does. */
static const char *skip_dollar(const char *at)
{
    const char *tag_end = at + 1;
    if (!isdigit((unsigned char)*tag_end)) {
        while (in_word(*tag_end) && *tag_end != '$')
            tag_end++;
    }
    if (*tag_end != '$')
        return at;
    size_t tag_length = (size_t)(tag_end - at) + 1;
    for (const char *end = tag_end + 1; *end != '\0'; end++) {
        if (*end == '$' && strncmp(end, at, tag_length) == 0)
            return end + tag_length;
    }
    return at + strlen(at);
}

static const char *skip_block_comment(const char *at)
{
    int depth = 0;
    while (*at != '\0') {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            at += 2;
            if (--depth == 0)
                return at;
        } else {
            at++;
        }
    }
    return at;
}

static const char *skip_space(const char *at)
{
    for (;;) {
        if (isspace((unsigned char)*at))
            at++;
        else if (at[0] == '-' && at[1] == '-')
            at += strcspn(at, "\n");
        else if (at[0] == '/' && at[1] == '*')
            at = skip_block_comment(at);
        else
            return at;
    }
}

/* The end of the token that begins at `at`, and its kind. */
static const char *token_end(const char *at, belay_token_kind *ret_kind)
{
    const char *dollar = *at == '$' ? skip_dollar(at) : at;
    if (*at == '\'' || dollar != at) {
        *ret_kind = BELAY_TOKEN_STRING;
        return dollar != at ? dollar : skip_quoted(at, '\'', false);
    }
    if (*at == '"') {
        *ret_kind = BELAY_TOKEN_QUOTED;
        return skip_quoted(at, '"', false);
    }
    if (starts_word(*at)) {
        const char *end = at;
        while (in_word(*end))
            end++;
        *ret_kind = *end == '\'' && end - at == 1 ? BELAY_TOKEN_STRING : BELAY_TOKEN_WORD;
        if (*ret_kind == BELAY_TOKEN_STRING)
            return skip_quoted(end, '\'', *at == 'E' || *at == 'e');
        return end;
    }
    *ret_kind = isdigit((unsigned char)*at) ? BELAY_TOKEN_NUMBER : BELAY_TOKEN_SYMBOL;
    const char *end = at + 1;
    while (*ret_kind == BELAY_TOKEN_NUMBER && (in_word(*end) || *end == '.'))
        end++;
    return end;
}

static void add(belay_tokens *tokens, belay_token token)
{
    if (tokens->count == tokens->capacity) {
        tokens->capacity = tokens->capacity == 0 ? 32 : tokens->capacity * 2;
        tokens->items = belay_realloc_array(tokens->items, tokens->capacity, sizeof *tokens->items);
    }
    tokens->items[tokens->count++] = token;
}

void belay_tokens_read(const char *sql, size_t limit, belay_tokens *ret)
{
    int depth = 0;
    for (const char *at = skip_space(sql); *at != '\0'; at = skip_space(at)) {
        belay_token_kind kind = BELAY_TOKEN_SYMBOL;
        const char *end = token_end(at, &kind);
        bool symbol = kind == BELAY_TOKEN_SYMBOL;
        if (symbol && *at == ')' && depth > 0)
            depth--;
        add(ret, (belay_token){kind, at, (size_t)(end - at), depth});
        if (symbol && *at == '(')
            depth++;
        if (limit > 0 && ret->count == limit)
            return;
        at = end;
    }
}

void belay_tokens_done(belay_tokens *tokens)
{
    free(tokens->items);
    *tokens = (belay_tokens){0};
}

bool belay_token_is(const belay_tokens *tokens, size_t at, const char *word)
{
    if (at >= tokens->count)
        return false;
    const belay_token *token = &tokens->items[at];
    return token->kind == BELAY_TOKEN_WORD && token->depth == 0 && token->length == strlen(word) &&
           strncasecmp(token->text, word, token->length) == 0;
}

bool belay_token_is_symbol(const belay_tokens *tokens, size_t at, char symbol)
{
    return at < tokens->count && tokens->items[at].kind == BELAY_TOKEN_SYMBOL &&
           tokens->items[at].text[0] == symbol;
}

/* Without the quotes, doubled ones single, as are doubled backslashes in E'...'. */
static char *unquote(const char *text, size_t length, char quote)
{
    belay_str name = BELAY_STR_INIT;
    bool escapes = text[0] != quote;
    for (size_t i = escapes ? 2 : 1; i + 1 < length; i++) {
        belay_str_append_char(&name, text[i]);
        if (text[i] == quote || (escapes && text[i] == '\\'))
            i++;
    }
    return belay_str_steal(&name);
}

char *belay_token_name(const belay_token *token)
{
    if (token->kind == BELAY_TOKEN_QUOTED)
        return unquote(token->text, token->length, '"');
    if (token->kind == BELAY_TOKEN_STRING && token->text[0] != '$')
        return unquote(token->text, token->length, '\'');
    if (token->kind != BELAY_TOKEN_WORD)
        return NULL;
    char *name = belay_strndup(token->text, token->length);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return name;
}
