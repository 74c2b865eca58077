#include "revision/lexer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "util/file.h"
#include "util/str.h"

/* The piece being read always stands in one stretch of the buffer, from `start`; refill() moves it to the
 * front and reads on. Positions are indexes into the buffer and are only kept in the struct, so that refill()
 * can shift them. */
enum { READ_BYTES = 64 * 1024, COPY_BLOCK_BYTES = 64 * 1024 };

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

    bool comments, nonstandard_strings;
    bool copying; /* after COPY ... FROM STDIN; */
    bool broken;  /* problem holds why */
    belay_error problem;
};

enum copy_state { COPY_NO, COPY_SEEN, COPY_FROM, COPY_INLINE };

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
} statement;

/* ---- bytes ---- */

static bool break_lexer(belay_lexer *lexer, long line, const char *message)
{
    if (!lexer->broken) {
        lexer->broken = true;
        belay_fail(&lexer->problem, BELAY_E_MIGRATION_FILE, "%s", message);
        belay_error_place(&lexer->problem, lexer->name, line);
    }
    return false;
}

static bool grow(belay_lexer *lexer)
{
    size_t wanted = lexer->capacity == 0 ? 2 * READ_BYTES : lexer->capacity * 2;
    char *buffer = wanted > 2 * BELAY_STATEMENT_MAX_BYTES ? NULL : realloc(lexer->buffer, wanted);
    if (buffer == NULL) {
        break_lexer(lexer, lexer->line, "a statement is too long");
        belay_error_hint(&lexer->problem, "one statement or one line of COPY data may have at most %zu MB",
            BELAY_STATEMENT_MAX_BYTES / 1024 / 1024);
        return false;
    }
    lexer->buffer = buffer;
    lexer->capacity = wanted;
    return true;
}

static size_t read_some(belay_lexer *lexer, char *to, size_t wanted)
{
    if (lexer->fd < 0) {
        size_t got = wanted < lexer->text_left ? wanted : lexer->text_left;
        memcpy(to, lexer->text, got);
        lexer->text += got;
        lexer->text_left -= got;
        return got;
    }
    ssize_t got = belay_read_full(lexer->fd, to, wanted, lexer->name, &lexer->problem);
    if (got < 0) {
        lexer->broken = true;
        return 0;
    }
    return (size_t)got;
}

/* Reads on; false at the end of the part or on an error. */
static bool refill(belay_lexer *lexer)
{
    if (lexer->at_end || lexer->broken)
        return false;
    if (lexer->start > 0) {
        memmove(lexer->buffer, lexer->buffer + lexer->start, lexer->filled - lexer->start);
        lexer->base += lexer->start;
        lexer->filled -= lexer->start;
        lexer->at -= lexer->start;
        lexer->start = 0;
    }
    if (lexer->capacity - lexer->filled < READ_BYTES + 1 && !grow(lexer))
        return false;
    size_t wanted = lexer->capacity - lexer->filled - 1;
    if (wanted > lexer->left)
        wanted = (size_t)lexer->left;
    char *to = lexer->buffer + lexer->filled;
    size_t got = wanted == 0 ? 0 : read_some(lexer, to, wanted);
    if (got > 0 && memchr(to, '\0', got) != NULL) {
        break_lexer(lexer, lexer->line, "the file has a NUL byte: it is not SQL text");
        return false;
    }
    lexer->filled += got;
    lexer->left -= got;
    lexer->at_end = got < wanted || lexer->left == 0;
    return got > 0;
}

/* The byte `ahead` of the position, -1 at the end. */
static inline int peek(belay_lexer *lexer, size_t ahead)
{
    while (lexer->at + ahead >= lexer->filled) {
        if (!refill(lexer))
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

static void advance_by(belay_lexer *lexer, size_t count)
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

/* ---- tokens that hide semicolons ---- */

static void skip_line_comment(belay_lexer *lexer)
{
    for (int c; (c = peek(lexer, 0)) >= 0 && c != '\n' && c != '\r';)
        advance(lexer);
}

static bool skip_block_comment(belay_lexer *lexer)
{
    long line = lexer->line;
    long depth = 0;
    for (;;) {
        int c = peek(lexer, 0);
        if (c < 0)
            return break_lexer(lexer, line, "a /* comment that begins here is not ended");
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
            return break_lexer(lexer, line, "a quoted string that begins here is not ended");
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
    return break_lexer(lexer, line, "a quoted identifier that begins here is not ended");
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
    break_lexer(lexer, line, "a dollar-quoted string that begins here is not ended");
    belay_error_hint(&lexer->problem, "it has to end with %.60s", tag);
    return false;
}

/* ---- statements ---- */

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

static bool scan_token(belay_lexer *lexer, statement *s)
{
    int c = peek(lexer, 0);
    int next = c == '-' || c == '/' ? peek(lexer, 1) : 0;
    if (is_space(c)) {
        advance(lexer);
        return true;
    }
    if (c == '-' && next == '-') {
        skip_line_comment(lexer);
        return true;
    }
    if (c == '/' && next == '*')
        return skip_block_comment(lexer);
    if (is_ident_start(c))
        return scan_word(lexer, s);
    note_token(s, c);
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

/* ---- markers ---- */

static const char marker_word[] = "belay:";

/* At "--" in column 0: is it "-- belay: ..."? *ret_text is the distance to the word behind it. */
static bool is_marker(belay_lexer *lexer, size_t *ret_text)
{
    if (lexer->base + lexer->at != lexer->line_begin || peek(lexer, 0) != '-' || peek(lexer, 1) != '-')
        return false;
    size_t ahead = 2;
    while (peek(lexer, ahead) == ' ' || peek(lexer, ahead) == '\t')
        ahead++;
    for (size_t i = 0; i < sizeof marker_word - 1; i++, ahead++) {
        if (peek(lexer, ahead) != marker_word[i])
            return false;
    }
    while (peek(lexer, ahead) == ' ' || peek(lexer, ahead) == '\t')
        ahead++;
    *ret_text = ahead;
    return true;
}

/* ---- pieces ---- */

/* Gives buffer[start, end) as a piece; a NUL stands behind it until the next call. */
static bool give(belay_lexer *lexer, belay_piece_kind kind, size_t end, long line, belay_piece *ret)
{
    lexer->is_cut = true;
    lexer->cut = end;
    lexer->cut_byte = lexer->buffer[end];
    lexer->buffer[end] = '\0';
    *ret = (belay_piece){
        .kind = kind,
        .text = lexer->buffer + lexer->start,
        .length = end - lexer->start,
        .line = line,
        .offset = lexer->base + lexer->start,
        .end = lexer->base + lexer->at,
    };
    return true;
}

static size_t trimmed(const belay_lexer *lexer, size_t end)
{
    while (end > lexer->start && is_space((unsigned char)lexer->buffer[end - 1]))
        end--;
    return end;
}

/* From here to the end of the line, without the newline. */
static bool give_line(belay_lexer *lexer, belay_piece_kind kind, size_t skip, belay_piece *ret)
{
    lexer->at += skip;
    lexer->start = lexer->at;
    long line = lexer->line;
    for (int c; (c = peek(lexer, 0)) >= 0 && c != '\n';)
        advance(lexer);
    return !lexer->broken && give(lexer, kind, trimmed(lexer, lexer->at), line, ret);
}

/* Behind "COPY ... FROM STDIN;" the data begins on the next line. */
static bool to_copy_data(belay_lexer *lexer)
{
    for (int c; (c = peek(lexer, 0)) >= 0;) {
        if (c == '-' && peek(lexer, 1) == '-') {
            skip_line_comment(lexer);
            continue;
        }
        if (!is_space(c)) {
            break_lexer(lexer, lexer->line, "something stands behind COPY ... FROM STDIN on its line");
            belay_error_hint(
                &lexer->problem, "the data begins on the next line; put the rest behind its \\. line");
            return false;
        }
        advance(lexer);
        if (c == '\n')
            break;
    }
    lexer->copying = true;
    return true;
}

static bool give_statement(belay_lexer *lexer, belay_piece *ret)
{
    statement s = {0};
    long line = lexer->line;
    lexer->start = lexer->at;
    for (;;) {
        int c = peek(lexer, 0);
        size_t ignored;
        if (c < 0 || c == '\\' || (c == '-' && is_marker(lexer, &ignored)))
            break;
        if (c == ';' && s.parens == 0 && s.begins == 0)
            break;
        if (!scan_token(lexer, &s))
            return false;
    }
    if (lexer->broken)
        return false;
    if (lexer->at - lexer->start > BELAY_STATEMENT_MAX_BYTES)
        return break_lexer(lexer, line, "a statement is longer than 512 MB");
    size_t length = trimmed(lexer, lexer->at) - lexer->start;
    uint64_t end = lexer->base + lexer->at;
    if (peek(lexer, 0) == ';') {
        advance(lexer);
        end++;
    }
    if (s.copy == COPY_INLINE && !to_copy_data(lexer))
        return false;
    give(lexer, BELAY_PIECE_STATEMENT, lexer->start + length, line, ret);
    ret->end = end;
    ret->copies = s.copy == COPY_INLINE;
    return true;
}

/* Is the line that begins at the position "\."? */
static bool is_copy_end(belay_lexer *lexer)
{
    if (peek(lexer, 0) != '\\' || peek(lexer, 1) != '.')
        return false;
    int c = peek(lexer, 2);
    return c < 0 || c == '\n' || (c == '\r' && (peek(lexer, 3) == '\n' || peek(lexer, 3) < 0));
}

static bool skip_copy_line(belay_lexer *lexer)
{
    for (;;) {
        char *from = lexer->buffer + lexer->at;
        char *newline = memchr(from, '\n', lexer->filled - lexer->at);
        if (newline != NULL) {
            lexer->at += (size_t)(newline - from) + 1;
            lexer->line++;
            lexer->line_begin = lexer->base + lexer->at;
            return true;
        }
        if (!refill(lexer))
            return break_lexer(
                lexer, lexer->line, "the data of COPY ... FROM STDIN has no \\. line at its end");
    }
}

static bool give_copy_data(belay_lexer *lexer, belay_piece *ret)
{
    long line = lexer->line;
    lexer->start = lexer->at;
    if (is_copy_end(lexer)) {
        lexer->copying = false;
        return give_line(lexer, BELAY_PIECE_COPY_END, 0, ret);
    }
    while (lexer->at - lexer->start < COPY_BLOCK_BYTES && !is_copy_end(lexer)) {
        if (!skip_copy_line(lexer))
            return false;
    }
    return !lexer->broken && give(lexer, BELAY_PIECE_COPY_DATA, lexer->at, line, ret);
}

/* Between statements: the next thing that matters. */
static bool next_piece(belay_lexer *lexer, belay_piece *ret)
{
    if (lexer->copying)
        return give_copy_data(lexer, ret);
    for (;;) {
        lexer->start = lexer->at;
        size_t text;
        int c = peek(lexer, 0);
        if (c < 0)
            break;
        if (is_space(c) || c == ';') {
            advance(lexer);
        } else if (c == '-' && is_marker(lexer, &text)) {
            return give_line(lexer, BELAY_PIECE_MARKER, text, ret);
        } else if (c == '-' && peek(lexer, 1) == '-') {
            if (lexer->comments)
                return give_line(lexer, BELAY_PIECE_COMMENT, 0, ret);
            skip_line_comment(lexer);
        } else if (c == '/' && peek(lexer, 1) == '*') {
            if (!skip_block_comment(lexer))
                return false;
        } else if (c == '\\') {
            return give_line(lexer, BELAY_PIECE_META, 0, ret);
        } else {
            return give_statement(lexer, ret);
        }
    }
    if (lexer->broken)
        return false;
    *ret = (belay_piece){.kind = BELAY_PIECE_END,
        .text = "",
        .line = lexer->line,
        .offset = lexer->base + lexer->at,
        .end = lexer->base + lexer->at};
    return true;
}

bool belay_lexer_next(belay_lexer *lexer, belay_piece *ret, belay_error *err)
{
    if (lexer->is_cut)
        lexer->buffer[lexer->cut] = lexer->cut_byte;
    lexer->is_cut = false;
    if (!lexer->broken && next_piece(lexer, ret))
        return true;
    if (err != NULL)
        *err = lexer->problem;
    return false;
}

void belay_lexer_set_nonstandard_strings(belay_lexer *lexer, bool nonstandard)
{
    lexer->nonstandard_strings = nonstandard;
}

/* ---- opening ---- */

static bool begin(belay_lexer *lexer, const belay_lexer_options *options, belay_error *err)
{
    lexer->left = options->length == 0 ? UINT64_MAX : options->length;
    lexer->base = options->offset;
    lexer->line_begin = options->offset;
    lexer->line = options->first_line == 0 ? 1 : options->first_line;
    lexer->comments = options->comments;
    lexer->nonstandard_strings = options->nonstandard_strings;
    if (options->offset == 0 && peek(lexer, 0) == 0xEF && peek(lexer, 1) == 0xBB && peek(lexer, 2) == 0xBF) {
        lexer->at += 3;
        lexer->start = lexer->at;
        lexer->line_begin = 3;
    }
    if (!lexer->broken)
        return true;
    if (err != NULL)
        *err = lexer->problem;
    return false;
}

bool belay_lexer_open_file(
    const char *path, const belay_lexer_options *options, belay_lexer **ret, belay_error *err)
{
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = belay_alloc(sizeof *lexer);
    const belay_lexer_options none = {0};
    options = options == NULL ? &none : options;
    lexer->name = belay_strdup(path);
    lexer->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (lexer->fd < 0)
        return belay_fail_errno(err, errno, "cannot open %s", path);
    if (lseek(lexer->fd, (off_t)options->offset, SEEK_SET) < 0)
        return belay_fail_errno(err, errno, "cannot read %s", path);
    if (!begin(lexer, options, err))
        return false;
    *ret = belay_take(lexer);
    return true;
}

bool belay_lexer_open_text(const char *name, const char *text, size_t length,
    const belay_lexer_options *options, belay_lexer **ret, belay_error *err)
{
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = belay_alloc(sizeof *lexer);
    const belay_lexer_options none = {0};
    options = options == NULL ? &none : options;
    size_t skip = options->offset < length ? (size_t)options->offset : length;
    lexer->name = belay_strdup(name);
    lexer->fd = -1;
    lexer->text = text + skip;
    lexer->text_left = length - skip;
    if (!begin(lexer, options, err))
        return false;
    *ret = belay_take(lexer);
    return true;
}

void belay_lexer_free(belay_lexer *lexer)
{
    if (lexer == NULL)
        return;
    belay_close_fd(lexer->fd);
    free(lexer->name);
    free(lexer->buffer);
    free(lexer);
}
