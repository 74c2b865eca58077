/* What the files of the lexer share: its state, and how they look at the text.
 *
 *   lexer_input.c    the buffer: reads on, checks bytes, keeps what is wanted
 *   lexer_tokens.c   one token at a time, and what has to be remembered of a statement's tokens
 *   lexer.c          pieces: statements, COPY data, markers, psql commands
 */
#ifndef BELAY_REVISION_LEXER_INTERNAL_H
#define BELAY_REVISION_LEXER_INTERNAL_H

#include "revision/lexer.h"
#include "util/utf8.h"

/* The piece being read always stands in one stretch of the buffer, from `start`; refill() moves it to the
 * front and reads on. Positions are indexes into the buffer and are only kept in the struct, so that refill()
 * can shift them. */
struct belay_lexer {
    char *name;
    int fd;           /* -1: text */
    const char *text; /* borrowed */
    size_t text_left;
    uint64_t left; /* bytes of the wanted part that were not read yet */
    bool at_end;

    char *buffer;
    size_t capacity, filled;
    size_t start;        /* of the piece */
    size_t at;           /* next byte to look at */
    uint64_t base;       /* file offset of buffer[0] */
    uint64_t line_begin; /* file offset of the line that `at` stands in */
    long line;

    bool is_cut; /* a NUL stands at buffer[cut] for cut_byte, until the next call */
    size_t cut;
    char cut_byte;

    bool comments, nonstandard_strings, skim;
    bool holding;     /* the piece's text is wanted although the lexer skims */
    bool copying;     /* after COPY ... FROM STDIN; */
    long copy_line;   /* where its data began */
    belay_utf8 *utf8; /* NULL: the bytes are not checked */
    belay_utf8 utf8_state;
    bool broken; /* problem holds why */
    belay_error problem;
};

enum copy_state { COPY_NO, COPY_SEEN, COPY_FROM, COPY_INLINE };
/* SET [SESSION | LOCAL] standard_conforming_strings {= | TO} value; RESET standard_conforming_strings */
enum strings_state { STRINGS_NO, STRINGS_SET, STRINGS_NAMED, STRINGS_RESET, STRINGS_ON, STRINGS_OFF };

/* What has to be remembered of a statement's tokens. */
typedef struct statement {
    long parens;
    long begins;      /* depth of BEGIN ATOMIC and the CASEs in it */
    size_t words;     /* identifiers so far */
    char initials[4]; /* of create, or, replace, function, procedure where they are words 1 to 4 */
    bool any;         /* a token was seen */
    bool after_begin; /* the last token was a BEGIN that ATOMIC would make count */
    bool after_label; /* the last token was AS or ".": a keyword behind it is a name */
    enum copy_state copy;
    enum strings_state strings;
} statement;

/* All return false; the first problem stays. */
bool lexer_break(belay_lexer *lexer, long line, const char *message);
bool lexer_break_open(
    belay_lexer *lexer, long line, const char *what); /* "<what> that begins here is not ended" */
/* Reads on; false at the end of the part or on an error. */
bool lexer_refill(belay_lexer *lexer);

void lexer_skip_line_comment(belay_lexer *lexer);
bool lexer_skip_block_comment(belay_lexer *lexer);
/* Over one token, or white space, or a comment, of statement `s`. */
bool lexer_scan_token(belay_lexer *lexer, statement *s);

/* The byte `ahead` of the position, -1 at the end. */
static inline int peek(belay_lexer *lexer, size_t ahead)
{
    while (lexer->at + ahead >= lexer->filled) {
        if (!lexer_refill(lexer))
            return -1;
    }
    return (unsigned char)lexer->buffer[lexer->at + ahead];
}

static inline void advance(belay_lexer *lexer)
{
    if (lexer->buffer[lexer->at++] == '\n') {
        lexer->line++;
        lexer->line_begin = lexer->base + lexer->at;
    }
}

static inline void advance_by(belay_lexer *lexer, size_t count)
{
    while (count-- > 0)
        advance(lexer);
}

static inline bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static inline bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_ident_start(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static inline bool is_ident(int c)
{
    return is_ident_start(c) || is_digit(c) || c == '$';
}

#endif
