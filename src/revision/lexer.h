/* Splits SQL text into statements exactly as psql and the server would read it, streaming: memory is bounded
 * by the longest single statement (at most BELAY_STATEMENT_MAX_BYTES) and a block of COPY data, whatever the
 * file's size.
 *
 * Knows: '', E'', U&'', B'', X'', N'' strings (standard_conforming_strings on unless told or SET in the
 * text), "identifiers" and U&"", dollar quotes with tags, nested block comments, parentheses (psql does not
 * split inside them, CREATE RULE needs it), BEGIN ATOMIC ... END bodies, COPY ... FROM STDIN with inline data
 * up to "\.", psql's backslash commands at top level, BOM, CRLF. The loader finds the sections of migration
 * files with it too (skim), so that both always see the same markers.
 *
 *   TEXT --;--> STATEMENT given;  after COPY ... FROM stdin; --> COPY_DATA blocks --\.--> TEXT
 */
#ifndef BELAY_REVISION_LEXER_H
#define BELAY_REVISION_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "revision/revision.h"
#include "util/error.h"
#include "util/mem.h"

#define BELAY_STATEMENT_MAX_BYTES ((size_t)512 * 1024 * 1024)

typedef enum belay_piece_kind {
    BELAY_PIECE_STATEMENT, /* text without the final semicolon and without leading comments and white space */
    BELAY_PIECE_COPY_DATA, /* a block of whole lines of inline data, as it stands, without the "\." line */
    BELAY_PIECE_COPY_END,
    BELAY_PIECE_META,    /* a psql command: the text from the backslash to the end of its line. In the middle
                           of a statement the statement so far is given first, as for "\\g". */
    BELAY_PIECE_MARKER,  /* "-- belay: <word>" at column 0 outside of everything; text is what follows,
                           usually one word. Ends a statement that is still open. */
    BELAY_PIECE_COMMENT, /* a top-level "--" line between statements; only when asked for */
    BELAY_PIECE_END
} belay_piece_kind;

typedef struct belay_piece {
    belay_piece_kind kind;
    const char *text; /* NUL-terminated; valid until the next call */
    size_t length;
    long line;       /* 1-based line in the file where text begins */
    uint64_t offset; /* byte offset in the file where text begins */
    bool copies;     /* a COPY ... FROM STDIN: COPY_DATA and COPY_END follow */
    uint64_t end;    /* byte offset behind the piece, its semicolon included */
    uint64_t begin;  /* of a marker: byte offset of its line */
} belay_piece;

typedef struct belay_lexer belay_lexer;
typedef struct belay_lexer_options {
    bool comments;            /* give BELAY_PIECE_COMMENT */
    bool nonstandard_strings; /* standard_conforming_strings = off */
    uint64_t offset, length;  /* part of the file; length 0: to its end */
    long first_line;          /* line number of offset; 0 counts as 1 */
    bool skim;                /* only where things stand: statements have no text, and memory stays constant
                                 however long they are */
    bool check_utf8;          /* refuse bytes that are not UTF-8 */
} belay_lexer_options;

bool belay_lexer_open_file(
    const char *path, const belay_lexer_options *options, belay_lexer **ret, belay_error *err);
/* The text is borrowed and must stay. */
bool belay_lexer_open_text(const char *name, const char *text, size_t length,
    const belay_lexer_options *options, belay_lexer **ret, belay_error *err);
/* One section of a migration file. */
bool belay_lexer_open_section(
    const char *path, const belay_section *section, belay_lexer **ret, belay_error *err);
/* False (BELAY_E_MIGRATION_FILE) with file and line for an unterminated quote or comment, COPY data without
 * its "\." line, text behind COPY ... FROM STDIN on its line, or a NUL byte. Fails again when called again.
 * One lexer, one thread. */
bool belay_lexer_next(belay_lexer *lexer, belay_piece *ret, belay_error *err);
/* When the session's standard_conforming_strings changes in between. */
void belay_lexer_set_nonstandard_strings(belay_lexer *lexer, bool nonstandard);
void belay_lexer_free(belay_lexer *lexer);
BELAY_DEFINE_AUTO(belay_lexer, belay_lexer_free)

#endif
