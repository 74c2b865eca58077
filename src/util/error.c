#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_status;
    const char *hint;
} code_table[] = {
#define X(symbol, name, status, hint) {name, status, hint},
    BELAY_ERROR_TABLE(X)
#undef X
};

/* Ends a full buffer in "...", never within a UTF-8 character. */
static void mark_cut(char *buffer, size_t size)
{
    size_t end = size - 4;
    while (end > 0 && ((unsigned char)buffer[end] & 0xC0) == 0x80)
        end--;
    memcpy(buffer + end, "...", 4);
}

/* Formats into a fixed buffer; what does not fit ends in "..." and never within a UTF-8 character. */
__attribute__((format(printf, 3, 0))) static void put(
    char *buffer, size_t size, const char *format, va_list args)
{
    int wanted = vsnprintf(buffer, size, format, args);
    if (wanted < 0)
        buffer[0] = '\0';
    else if ((size_t)wanted >= size)
        mark_cut(buffer, size);
}

__attribute__((format(printf, 3, 4))) static void putf(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(buffer, size, format, args);
    va_end(args);
}

void belay_error_clear(belay_error *err)
{
    if (err != NULL)
        memset(err, 0, sizeof *err);
}

static void start(belay_error *err, belay_code code)
{
    belay_error_clear(err);
    err->code = code;
    if (code_table[code].hint != NULL)
        snprintf(err->hint, sizeof err->hint, "%s", code_table[code].hint);
}

bool belay_fail(belay_error *err, belay_code code, const char *format, ...)
{
    if (err == NULL)
        return false;
    start(err, code);
    va_list args;
    va_start(args, format);
    put(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

/* The cause stays whole: a message that leaves no room for it is cut. */
static bool append_cause(belay_error *err, const char *cause)
{
    size_t room = sizeof err->message - strlen(cause) - 2;
    if (strlen(err->message) >= room)
        mark_cut(err->message, room);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", cause);
    return false;
}

bool belay_fail_errno(belay_error *err, int sys_errno, const char *format, ...)
{
    if (err == NULL)
        return false;
    start(err, sys_errno == ENOSPC || sys_errno == EDQUOT ? BELAY_E_NO_SPACE : BELAY_E_IO);
    err->sys_errno = sys_errno;
    if (sys_errno == EACCES || sys_errno == EPERM)
        belay_error_hint(err, "give this user the right to it, or run belay as a user who has it");
    va_list args;
    va_start(args, format);
    put(err->message, sizeof err->message, format, args);
    va_end(args);
    return append_cause(err, strerror(sys_errno));
}

bool belay_error_prefix(belay_error *err, const char *format, ...)
{
    if (err == NULL)
        return false;
    char text[sizeof err->message];
    va_list args;
    va_start(args, format);
    put(text, sizeof text, format, args);
    va_end(args);
    char old[sizeof err->message];
    memcpy(old, err->message, sizeof old);
    putf(err->message, sizeof err->message, "%s: %s", text, old); /* the new front may cut the old end */
    return false;
}

bool belay_error_hint(belay_error *err, const char *format, ...)
{
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    char text[sizeof err->hint]; /* the old one may be among the arguments */
    put(text, sizeof text, format, args);
    va_end(args);
    memcpy(err->hint, text, sizeof text);
    return false;
}

bool belay_error_detail(belay_error *err, const char *format, ...)
{
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    char text[sizeof err->detail]; /* the old one may be among the arguments */
    put(text, sizeof text, format, args);
    va_end(args);
    memcpy(err->detail, text, sizeof text);
    return false;
}

bool belay_error_place(belay_error *err, const char *file, long line)
{
    if (err == NULL)
        return false;
    putf(err->file, sizeof err->file, "%s", file == NULL ? "" : file);
    err->line = line;
    return false;
}

bool belay_error_statement(belay_error *err, const char *sql)
{
    if (err == NULL)
        return false;
    putf(err->statement, sizeof err->statement, "%s", sql);
    return false;
}

const char *belay_code_name(belay_code code)
{
    return code_table[code].name;
}

int belay_code_exit(belay_code code)
{
    return code_table[code].exit_status;
}

const char *belay_code_hint(belay_code code)
{
    return code_table[code].hint;
}
