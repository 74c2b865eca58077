/* Strings: one builder, one borrowed span, one list.
 *
 * belay_str invariants: data is NULL or NUL-terminated at data[length]; length < max; once `failed` is set
 * (no memory, or over max) every further append is ignored, so one check at the end suffices. BELAY_STR_INIT
 * gives the default maximum. belay_span is a view: it owns nothing and is not NUL-terminated.
 */
#ifndef BELAY_UTIL_STR_H
#define BELAY_UTIL_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/mem.h"

typedef struct belay_str {
    char *data;
    size_t length;
    size_t capacity;
    size_t max; /* hard maximum of length in bytes */
    bool failed;
} belay_str;

#define BELAY_STR_DEFAULT_MAX ((size_t)64 * 1024 * 1024)
#define BELAY_STR_INIT        ((belay_str){.max = BELAY_STR_DEFAULT_MAX})
#define BELAY_STR_MAX(bytes)  ((belay_str){.max = (bytes)})

/* Room for `more` bytes behind the text, to be written there and added to `length`. False when it failed. */
bool belay_str_reserve(belay_str *s, size_t more);
void belay_str_append(belay_str *s, const char *text);
void belay_str_append_n(belay_str *s, const void *bytes, size_t length);
void belay_str_append_char(belay_str *s, char c);
/* As one word of a POSIX shell: in single quotes. */
void belay_shell_quote(belay_str *to, const char *text);
void belay_str_appendf(belay_str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void belay_str_clear(belay_str *s); /* length 0, memory kept, failed forgotten */
void belay_str_done(belay_str *s);
static inline void belay_str_done_p(belay_str *s)
{
    belay_str_done(s);
}
/* The text ("" when nothing was appended), valid until the next change. */
static inline const char *belay_str_text(const belay_str *s)
{
    return s->data == NULL ? "" : s->data;
}
/* Passes the memory to the caller (free); never NULL; the builder is empty after it. */
char *belay_str_steal(belay_str *s);
/* False with BELAY_E_NO_MEMORY when an append failed. `what` names the buffer. */
bool belay_str_check(const belay_str *s, const char *what, belay_error *err);

typedef struct belay_span {
    const char *data;
    size_t length;
} belay_span;

static inline belay_span belay_span_of(const char *text)
{
    return (belay_span){text, strlen(text)};
}
static inline bool belay_span_equals(belay_span span, const char *text)
{
    return strlen(text) == span.length && memcmp(span.data, text, span.length) == 0;
}
belay_span belay_span_trim(belay_span span); /* without ASCII white space at both ends */

static inline bool belay_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}
bool belay_starts_with(const char *text, const char *prefix);
bool belay_ends_with(const char *text, const char *suffix);

/* The text as it can be shown to a person: control characters, which could move the cursor or change the
 * terminal's mode, and those that turn the direction of writing stand as \x1b or \u202e; those in `keep`
 * ("\n\t") stay. The caller frees. */
char *belay_printable(const char *text, const char *keep);

/* Whole text as a number; false when it is not one or out of range. */
bool belay_parse_int64(const char *text, long long *ret_value);
/* "250ms", "5s", "2min", "1h", or plain milliseconds. */
bool belay_parse_duration_ms(const char *text, long long *ret_ms);
/* "500GB", "20 MB", "1.5GiB", "1T", or plain bytes; units are powers of 1024, as in PostgreSQL. */
bool belay_parse_bytes(const char *text, uint64_t *ret_bytes);
/* The same per second, as "50MB/s"; "/s" may be left out. */
bool belay_parse_rate(const char *text, uint64_t *ret_bytes_per_s);

/* A growing list of owned strings. */
typedef struct belay_list {
    char **items;
    size_t count;
    size_t capacity;
} belay_list;

void belay_list_add(belay_list *list, const char *text);
void belay_list_add_owned(belay_list *list, char *text);
bool belay_list_has(const belay_list *list, const char *text);
/* The same texts in any order; neither list holds one twice. */
bool belay_list_same(const belay_list *a, const belay_list *b);
void belay_list_sort(belay_list *list);
/* Items joined by separator; the caller frees. */
char *belay_list_join(const belay_list *list, const char *separator);
/* Splits at any of the separators, skips empty items. */
void belay_list_split(belay_list *list, const char *text, const char *separators);
void belay_list_done(belay_list *list);
void belay_list_done_secret(belay_list *list); /* zeroes the texts before freeing them */
static inline void belay_list_done_p(belay_list *list)
{
    belay_list_done(list);
}
static inline void belay_list_done_secret_p(belay_list *list)
{
    belay_list_done_secret(list);
}

#endif
