#include "revision/lexer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "revision/lexer_internal.h"
#include "util/file.h"
#include "util/str.h"

enum { COPY_BLOCK_BYTES = 64 * 1024 };

static const char marker_word[] = "belay:";

/* At "--" in column 0: is it "-- belay: ...", in whatever case? *ret_text is the distance to the word behind
 * it. */
static bool is_marker(belay_lexer *lexer, size_t *ret_text)
{
    if (lexer->base + lexer->at != lexer->line_begin || peek(lexer, 0) != '-' || peek(lexer, 1) != '-')
        return false;
    size_t ahead = 2;
    while (peek(lexer, ahead) == ' ' || peek(lexer, ahead) == '\t')
        ahead++;
    for (size_t i = 0; i < sizeof marker_word - 1; i++, ahead++) {
        if (tolower(peek(lexer, ahead)) !=
            marker_word[i]) /* what is below "-- Belay: downgrade" is no upgrade */
            return false;
    }
    while (peek(lexer, ahead) == ' ' || peek(lexer, ahead) == '\t')
        ahead++;
    *ret_text = ahead;
    return true;
}

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
    lexer->holding = true;
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
            lexer_skip_line_comment(lexer);
            continue;
        }
        if (!is_space(c)) {
            lexer_break(lexer, lexer->line, "something stands behind COPY ... FROM STDIN on its line");
            belay_error_hint(
                &lexer->problem, "the data begins on the next line; put the rest behind its \\. line");
            return false;
        }
        advance(lexer);
        if (c == '\n')
            break;
    }
    lexer->copying = true;
    lexer->copy_line = lexer->line;
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
        if (!lexer_scan_token(lexer, &s))
            return false;
    }
    if (lexer->broken)
        return false;
    if (lexer->at - lexer->start > BELAY_STATEMENT_MAX_BYTES)
        return lexer_break(lexer, line, "a statement is longer than 512 MB");
    if (lexer->skim)
        lexer->start = lexer->at;
    size_t length = trimmed(lexer, lexer->at) - lexer->start;
    uint64_t end = lexer->base + lexer->at;
    if (peek(lexer, 0) == ';') {
        advance(lexer);
        end++;
    }
    if (s.strings == STRINGS_ON || s.strings == STRINGS_OFF)
        lexer->nonstandard_strings = s.strings == STRINGS_OFF;
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

static bool break_copy(belay_lexer *lexer)
{
    if (lexer->broken)
        return false;
    lexer_break(lexer, lexer->copy_line,
        "the data of COPY ... FROM STDIN that begins here has no \\. line at its end");
    return belay_error_hint(&lexer->problem, "end the data with a line that holds only \\.");
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
        if (lexer->skim)
            lexer->at = lexer->filled;
        if (!lexer_refill(lexer))
            return break_copy(lexer);
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
            uint64_t begin = lexer->base + lexer->at;
            if (!give_line(lexer, BELAY_PIECE_MARKER, text, ret))
                return false;
            ret->begin = begin;
            lexer->nonstandard_strings = false; /* each section is a session of its own */
            return true;
        } else if (c == '-' && peek(lexer, 1) == '-') {
            if (lexer->comments)
                return give_line(lexer, BELAY_PIECE_COMMENT, 0, ret);
            lexer_skip_line_comment(lexer);
        } else if (c == '/' && peek(lexer, 1) == '*') {
            if (!lexer_skip_block_comment(lexer))
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
    lexer->is_cut = lexer->holding = false;
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

static bool begin(belay_lexer *lexer, const belay_lexer_options *options, belay_error *err)
{
    lexer->left = options->length == 0 ? UINT64_MAX : options->length;
    lexer->base = options->offset;
    lexer->line_begin = options->offset;
    lexer->line = options->first_line == 0 ? 1 : options->first_line;
    lexer->comments = options->comments;
    lexer->nonstandard_strings = options->nonstandard_strings;
    lexer->skim = options->skim;
    lexer->utf8 = options->check_utf8 ? &lexer->utf8_state : NULL;
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

bool belay_lexer_open_section(
    const char *path, const belay_section *section, belay_lexer **ret, belay_error *err)
{
    if (section->length == 0) /* to the lexer that would be the whole rest of the file */
        return belay_lexer_open_text(path, "", 0, NULL, ret, err);
    const belay_lexer_options options = {
        .offset = section->offset, .length = section->length, .first_line = section->line};
    return belay_lexer_open_file(path, &options, ret, err);
}
