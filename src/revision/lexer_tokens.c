#include <string.h>
#include <strings.h>

#include "revision/lexer_internal.h"

void lexer_skip_line_comment(belay_lexer *lexer)
{
    for (int c; (c = peek(lexer, 0)) >= 0 && c != '\n' && c != '\r';)
        advance(lexer);
}

bool lexer_skip_block_comment(belay_lexer *lexer)
{
    long line = lexer->line;
    long depth = 0;
    for (;;) {
        int c = peek(lexer, 0);
        if (c < 0)
            return lexer_break_open(lexer, line, "a /* comment");
        int next = c == '/' || c == '*' ? peek(lexer, 1) : 0;
        bool opens = c == '/' && next == '*';
        bool closes = c == '*' && next == '/';
        advance_by(lexer, opens || closes ? 2 : 1);
        depth += opens ? 1 : 0;
        depth -= closes ? 1 : 0;
        if (depth == 0)
            return true;
    }
}

/* After a closing quote: does the constant go on, behind white space with at least one newline? Comments may
 * stand in it. Returns the distance to the opening quote, 0 when there is none. */
static size_t continuation(belay_lexer *lexer)
{
    size_t ahead = 0;
    bool newline = false;
    for (;;) {
        int c = peek(lexer, ahead);
        if (is_space(c)) {
            newline = newline || c == '\n' || c == '\r';
            ahead++;
        } else if (c == '-' && peek(lexer, ahead + 1) == '-') {
            while ((c = peek(lexer, ahead)) >= 0 && c != '\n' && c != '\r')
                ahead++;
        } else {
            return c == '\'' && newline ? ahead : 0;
        }
    }
}

/* At the opening quote. A doubled quote ends and begins again, which comes to the same; only for constants
 * with backslashes it matters that a continued one still has them. */
static bool skip_string(belay_lexer *lexer, bool escapes)
{
    long line = lexer->line;
    advance(lexer);
    for (;;) {
        int c = peek(lexer, 0);
        if (c < 0)
            return lexer_break_open(lexer, line, "a quoted string");
        advance(lexer);
        if (c == '\\' && escapes) {
            if (peek(lexer, 0) >= 0)
                advance(lexer);
        } else if (c == '\'') {
            size_t ahead = escapes ? continuation(lexer) : 0;
            if (escapes && peek(lexer, 0) == '\'')
                advance(lexer);
            else if (ahead > 0)
                advance_by(lexer, ahead + 1);
            else
                return true;
        }
    }
}

static bool skip_quoted_identifier(belay_lexer *lexer)
{
    long line = lexer->line;
    advance(lexer);
    for (int c; (c = peek(lexer, 0)) >= 0;) {
        advance(lexer);
        if (c == '"')
            return true;
    }
    return lexer_break_open(lexer, line, "a quoted identifier");
}

/* At a "$": a parameter, a dollar-quoted string, or just the character. */
static bool skip_dollar(belay_lexer *lexer)
{
    size_t length = 1;
    if (is_ident_start(peek(lexer, 1))) {
        while (is_ident(peek(lexer, length)) && peek(lexer, length) != '$')
            length++;
    }
    if (peek(lexer, length) != '$') {
        advance(lexer);
        return true;
    }
    length++;
    long line = lexer->line;
    BELAY_AUTO(belay_free) char *tag = belay_strndup(lexer->buffer + lexer->at, length);
    advance_by(lexer, length);
    for (int c; (c = peek(lexer, 0)) >= 0;) {
        if (c == '$' && peek(lexer, length - 1) >= 0 && memcmp(lexer->buffer + lexer->at, tag, length) == 0) {
            advance_by(lexer, length);
            return true;
        }
        advance(lexer);
    }
    if (lexer->broken)
        return false;
    lexer_break_open(lexer, line, "a dollar-quoted string");
    belay_error_hint(&lexer->problem, "it has to end with %.60s", tag);
    return false;
}

static bool word_is(const char *word, size_t length, const char *keyword)
{
    return strlen(keyword) == length && strncasecmp(word, keyword, length) == 0;
}

/* psql's rule: CREATE [OR REPLACE] {FUNCTION | PROCEDURE} are the first words. */
static bool is_routine(const statement *s)
{
    const char *i = s->initials;
    if (i[0] != 'c')
        return false;
    char kind = i[1] == 'o' && i[2] == 'r' ? i[3] : i[1];
    return kind == 'f' || kind == 'p';
}

static void count_begins(statement *s, const char *word, size_t length)
{
    if (s->begins == 0) {
        /* ATOMIC is asked for, so that a routine may be called "begin", which confuses psql alone. */
        if (s->after_begin && word_is(word, length, "atomic"))
            s->begins = 1;
        s->after_begin = word_is(word, length, "begin");
    } else if (!s->after_label) {
        if (word_is(word, length, "case"))
            s->begins++;
        else if (word_is(word, length, "end"))
            s->begins--;
    }
}

/* A file that switches standard_conforming_strings says itself where its next strings end: what is known
 * before a server is asked. */
static void note_strings(statement *s, const char *word, size_t length)
{
    static const char *const off[] = {"off", "false", "no", "0"};
    bool named = word_is(word, length, "standard_conforming_strings");
    if (!s->any)
        s->strings = word_is(word, length, "set")     ? STRINGS_SET
                     : word_is(word, length, "reset") ? STRINGS_RESET
                                                      : STRINGS_NO;
    else if (s->strings == STRINGS_SET && !word_is(word, length, "session") &&
             !word_is(word, length, "local"))
        s->strings = named ? STRINGS_NAMED : STRINGS_NO;
    else if (s->strings == STRINGS_RESET)
        s->strings = named ? STRINGS_ON : STRINGS_NO;
    else if (s->strings == STRINGS_NAMED && !word_is(word, length, "to")) {
        s->strings = STRINGS_ON;
        for (size_t i = 0; i < BELAY_COUNT(off); i++) {
            if (word_is(word, length, off[i]))
                s->strings = STRINGS_OFF;
        }
    }
}

/* The value as a constant: 'off' or 0. */
static void note_strings_constant(belay_lexer *lexer, statement *s, int c)
{
    if (s->strings != STRINGS_NAMED || (c != '\'' && !is_digit(c)))
        return;
    size_t from = c == '\'' ? 1 : 0;
    size_t length = 0;
    while (is_ident(peek(lexer, from + length)))
        length++;
    note_strings(s, lexer->buffer + lexer->at + from, length);
}

static void note_word(statement *s, const char *word, size_t length)
{
    static const char *const tracked[] = {"create", "or", "replace", "function", "procedure"};
    for (size_t i = 0; s->words < sizeof s->initials && i < BELAY_COUNT(tracked); i++) {
        if (word_is(word, length, tracked[i]))
            s->initials[s->words] = tracked[i][0];
    }
    if (!s->any && word_is(word, length, "copy"))
        s->copy = COPY_SEEN;
    else if (s->copy == COPY_SEEN && s->parens == 0 && word_is(word, length, "from"))
        s->copy = COPY_FROM;
    else if (s->copy == COPY_FROM)
        s->copy = word_is(word, length, "stdin") || word_is(word, length, "stdout") ? COPY_INLINE : COPY_NO;
    if (!s->any || s->strings != STRINGS_NO)
        note_strings(s, word, length);
    if (s->parens == 0 && is_routine(s))
        count_begins(s, word, length);
    s->after_label = word_is(word, length, "as");
    s->words++;
    s->any = true;
}

/* Any token but an identifier. */
static void note_token(statement *s, int c)
{
    if (s->copy == COPY_FROM)
        s->copy = COPY_NO;
    s->any = true;
    s->after_begin = false;
    s->after_label = c == '.';
    if (c == '(')
        s->parens++;
    else if (c == ')' && s->parens > 0)
        s->parens--;
}

static bool scan_word(belay_lexer *lexer, statement *s)
{
    int c = peek(lexer, 0);
    int next = peek(lexer, 1);
    if (next == '\'' && strchr("eEbBxXnN", c) != NULL) {
        note_token(s, c);
        advance(lexer);
        bool escapes = c == 'e' || c == 'E' || ((c == 'n' || c == 'N') && lexer->nonstandard_strings);
        return skip_string(lexer, escapes);
    }
    if ((c == 'u' || c == 'U') && next == '&' && (peek(lexer, 2) == '\'' || peek(lexer, 2) == '"')) {
        note_token(s, c);
        advance_by(lexer, 2);
        return peek(lexer, 0) == '"' ? skip_quoted_identifier(lexer) : skip_string(lexer, false);
    }
    size_t length = 1;
    while (is_ident(peek(lexer, length)))
        length++;
    note_word(s, lexer->buffer + lexer->at, length);
    lexer->at += length;
    return true;
}

bool lexer_scan_token(belay_lexer *lexer, statement *s)
{
    int c = peek(lexer, 0);
    int next = c == '-' || c == '/' ? peek(lexer, 1) : 0;
    if (is_space(c)) {
        advance(lexer);
        return true;
    }
    if (c == '-' && next == '-') {
        lexer_skip_line_comment(lexer);
        return true;
    }
    if (c == '/' && next == '*')
        return lexer_skip_block_comment(lexer);
    if (is_ident_start(c))
        return scan_word(lexer, s);
    note_token(s, c);
    note_strings_constant(lexer, s, c);
    switch (c) {
    case '\'':
        return skip_string(lexer, lexer->nonstandard_strings);
    case '"':
        return skip_quoted_identifier(lexer);
    case '$':
        return skip_dollar(lexer);
    default:
        advance(lexer);
        /* "1." is a number: what follows is no column of it. */
        while (is_digit(c) && (is_digit(peek(lexer, 0)) || peek(lexer, 0) == '.'))
            advance(lexer);
        return true;
    }
}
