#include <string.h>

#include "revision/lexer_internal.h"
#include "util/file.h"

/* The first buffer stays below the size from which malloc asks the system: lexers are many and short-lived.
 */
enum { READ_BYTES = 64 * 1024, FIRST_BYTES = 96 * 1024 };

bool lexer_break(belay_lexer *lexer, long line, const char *message)
{
    if (!lexer->broken) {
        lexer->broken = true;
        belay_fail(&lexer->problem, BELAY_E_MIGRATION_FILE, "%s", message);
        belay_error_place(&lexer->problem, lexer->name, line);
    }
    return false;
}

bool lexer_break_open(belay_lexer *lexer, long line, const char *what)
{
    if (lexer->broken)
        return false;
    BELAY_AUTO(belay_free) char *message = belay_format("%s that begins here is not ended", what);
    lexer_break(lexer, line, message);
    return belay_error_hint(&lexer->problem, "close what begins in this line");
}

static bool grow(belay_lexer *lexer)
{
    size_t wanted = lexer->capacity == 0 ? FIRST_BYTES : lexer->capacity * 2;
    char *buffer = wanted > 2 * BELAY_STATEMENT_MAX_BYTES ? NULL : realloc(lexer->buffer, wanted);
    if (buffer == NULL) {
        lexer_break(lexer, lexer->line, "a statement is too long");
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

/* The line of a byte that was just read. */
static long line_of(const belay_lexer *lexer, const char *byte)
{
    long line = lexer->line;
    for (const char *p = lexer->buffer + lexer->at; p < byte; p++)
        line += *p == '\n';
    return line;
}

static bool check_bytes(belay_lexer *lexer, const char *bytes, size_t count, bool last)
{
    const char *nul = count == 0 ? NULL : memchr(bytes, '\0', count);
    if (nul != NULL)
        return lexer_break(lexer, line_of(lexer, nul), "the file has a NUL byte: it is not SQL text");
    if (lexer->utf8 == NULL)
        return true;
    size_t good = belay_utf8_check(lexer->utf8, bytes, count);
    if (good == count && (!last || belay_utf8_is_whole(lexer->utf8)))
        return true;
    lexer_break(lexer, line_of(lexer, bytes + good), "the file is not valid UTF-8");
    return belay_error_hint(&lexer->problem, BELAY_UTF8_HINT);
}

bool lexer_refill(belay_lexer *lexer)
{
    if (lexer->at_end || lexer->broken)
        return false;
    if (lexer->skim && !lexer->holding)
        lexer->start = lexer->at;
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
    if (!check_bytes(lexer, to, got, got < wanted || got == lexer->left))
        return false;
    lexer->filled += got;
    lexer->left -= got;
    lexer->at_end = got < wanted || lexer->left == 0;
    return got > 0;
}
