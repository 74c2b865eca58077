/* Finds the section markers of a migration file in one pass with constant memory, whatever the length of the
 * file or of a statement: it knows where quotes, dollar quotes, comments and COPY data begin and end, and
 * nothing else. On the way it checks that the bytes are UTF-8 text.
 *
 *     scan s; scan_init(&s);  while (more) scan_feed(&s, bytes, length, err);  scan_end(&s, err);
 *
 * Errors carry the line, the caller adds the file.
 */
#ifndef BELAY_REVISION_SCAN_H
#define BELAY_REVISION_SCAN_H

#include "revision/revision.h"

typedef enum scan_state {
    SCAN_TEXT,
    SCAN_LINE_COMMENT,
    SCAN_BLOCK_COMMENT,
    SCAN_META,         /* a psql command, up to the end of its line */
    SCAN_QUOTE,        /* '...' */
    SCAN_ESCAPE_QUOTE, /* E'...' */
    SCAN_IDENTIFIER,   /* "..." */
    SCAN_DOLLAR_TAG,   /* between the dollars of an opening $tag$ */
    SCAN_DOLLAR,
    SCAN_COPY_DATA
} scan_state;

enum { SCAN_TAG_MAX = 256, SCAN_COMMENT_MAX = 96, SCAN_WORD_MAX = 8 };

typedef struct scan {
    scan_state state;
    uint64_t offset; /* of the next byte */
    uint64_t line_offset;
    long line;
    long begun_line; /* where the open quote or comment began */
    int depth;       /* of block comments */
    int utf8_left;
    unsigned utf8_low, utf8_high; /* bounds of the next continuation byte */
    unsigned char previous;
    bool first_of_line; /* the comment began at column 0 */
    bool escaped;       /* a backslash stands before this byte of an E'' string */
    bool after_escape;  /* an E'' string has ended and may be continued */
    bool continued;     /* ... since there was a newline */
    char tag[SCAN_TAG_MAX];
    size_t tag_length, tag_match;
    char comment[SCAN_COMMENT_MAX];
    size_t comment_length;
    char word[SCAN_WORD_MAX];
    size_t word_length;
    bool statement_begun, copy, copy_from, copy_stdin, data_next;
    int parens;
    long stray_line;           /* first SQL before any section */
    belay_section sections[3]; /* upgrade, downgrade, verify */
    belay_section *open;
} scan;

enum { SCAN_UPGRADE, SCAN_DOWNGRADE, SCAN_VERIFY };

void scan_init(scan *s);
bool scan_feed(scan *s, const char *bytes, size_t length, belay_error *err);
bool scan_end(scan *s, belay_error *err);

#endif
