/* Tokens of one SQL statement, enough to find names in the statements that pg_dump writes.
 *
 *     BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
 *     belay_tokens_read(sql, &tokens);
 *
 * Not a parser: strings, quoted identifiers, dollar quotes and comments are told apart from words and
 * symbols, so that text inside of them is never taken for SQL. standard_conforming_strings is on. Tokens
 * point into the text, which must stay. Any thread.
 */
#ifndef BELAY_RESTORE_SQL_TOKEN_H
#define BELAY_RESTORE_SQL_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum belay_token_kind {
    BELAY_TOKEN_WORD,   /* keyword or plain identifier */
    BELAY_TOKEN_QUOTED, /* "identifier", quotes included */
    BELAY_TOKEN_STRING, /* '...', E'...', $$...$$ */
    BELAY_TOKEN_NUMBER,
    BELAY_TOKEN_SYMBOL /* one character */
} belay_token_kind;

typedef struct belay_token {
    belay_token_kind kind;
    const char *text;
    size_t length;
    int depth; /* of parentheses around it */
} belay_token;

typedef struct belay_tokens {
    belay_token *items;
    size_t count, capacity;
} belay_tokens;

/* At most `limit` tokens; 0: all. */
void belay_tokens_read(const char *sql, size_t limit, belay_tokens *ret);
void belay_tokens_done(belay_tokens *tokens);
static inline void belay_tokens_done_p(belay_tokens *tokens)
{
    belay_tokens_done(tokens);
}

/* Is the token that unquoted word (given in upper case), at depth 0? False behind the end. */
bool belay_token_is(const belay_tokens *tokens, size_t at, const char *word);
bool belay_token_is_symbol(const belay_tokens *tokens, size_t at, char symbol);
/* The name that an identifier or string token stands for (folded or unquoted); NULL for others. The caller
 * frees. */
char *belay_token_name(const belay_token *token);

#endif
