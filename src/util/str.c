#include "util/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool belay_str_reserve(belay_str *s, size_t more)
{
    if (s->failed)
        return false;
    if (more >= s->max || s->length > s->max - more - 1) {
        s->failed = true;
        return false;
    }
    size_t wanted = s->length + more + 1;
    if (wanted <= s->capacity)
        return true;
    size_t capacity = s->capacity < 64 ? 64 : s->capacity * 2;
    if (capacity < wanted)
        capacity = wanted;
    char *data = realloc(s->data, capacity);
    if (data == NULL) {
        s->failed = true;
        return false;
    }
    s->data = data;
    s->capacity = capacity;
    return true;
}

void belay_str_append_n(belay_str *s, const void *bytes, size_t length)
{
    if (!belay_str_reserve(s, length))
        return;
    if (length > 0)
        memcpy(s->data + s->length, bytes, length);
    s->length += length;
    s->data[s->length] = '\0';
}

void belay_str_append(belay_str *s, const char *text)
{
    belay_str_append_n(s, text, strlen(text));
}

void belay_str_append_char(belay_str *s, char c)
{
    belay_str_append_n(s, &c, 1);
}

void belay_str_appendf(belay_str *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) {
        s->failed = true;
        return;
    }
    belay_str_append_n(s, text, (size_t)length);
    free(text);
}

void belay_str_clear(belay_str *s)
{
    s->length = 0;
    s->failed = false;
    if (s->data != NULL)
        s->data[0] = '\0';
}

void belay_str_done(belay_str *s)
{
    free(s->data);
    size_t max = s->max;
    *s = BELAY_STR_MAX(max);
}

char *belay_str_steal(belay_str *s)
{
    char *text = s->data == NULL ? belay_strdup("") : s->data;
    s->data = NULL;
    s->length = s->capacity = 0;
    return text;
}

bool belay_str_check(const belay_str *s, const char *what, belay_error *err)
{
    if (!s->failed)
        return true;
    return belay_fail(
        err, BELAY_E_NO_MEMORY, "%s: no memory, or longer than the limit of %zu bytes", what, s->max);
}

belay_span belay_span_trim(belay_span span)
{
    while (span.length > 0 && isspace((unsigned char)span.data[0])) {
        span.data++;
        span.length--;
    }
    while (span.length > 0 && isspace((unsigned char)span.data[span.length - 1]))
        span.length--;
    return span;
}

bool belay_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool belay_ends_with(const char *text, const char *suffix)
{
    size_t text_length = strlen(text);
    size_t suffix_length = strlen(suffix);
    return text_length >= suffix_length && belay_equal(text + text_length - suffix_length, suffix);
}

bool belay_parse_int64(const char *text, long long *ret_value)
{
    if (text == NULL || *text == '\0' || isspace((unsigned char)*text))
        return false;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret_value = value;
    return true;
}

/* The digits behind a point, as a part of 1; steps over them. */
static double parse_fraction(char **at)
{
    double fraction = 0, place = 1;
    if (**at != '.' || !isdigit((unsigned char)(*at)[1]))
        return 0;
    for (++*at; isdigit((unsigned char)**at); ++*at)
        fraction += (**at - '0') * (place /= 10);
    return fraction;
}

bool belay_parse_bytes(const char *text, uint64_t *ret_bytes)
{
    static const char units[] = "kMGTP";
    if (text == NULL || !isdigit((unsigned char)*text))
        return false;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    double fraction = parse_fraction(&end);
    end += *end == ' ';
    const char *unit = *end == '\0' ? NULL : strchr(units, *end == 'K' ? 'k' : *end);
    unsigned shift = unit == NULL ? 0 : (unsigned)(unit - units + 1) * 10;
    end += unit != NULL;
    end += unit != NULL && end[0] == 'i' && end[1] == 'B';
    end += *end == 'B';
    if (errno != 0 || *end != '\0' || value > UINT64_MAX >> shift)
        return false;
    *ret_bytes = ((uint64_t)value << shift) + (uint64_t)(fraction * (double)((uint64_t)1 << shift));
    return true;
}

bool belay_parse_rate(const char *text, uint64_t *ret_bytes_per_s)
{
    if (text == NULL)
        return false;
    BELAY_AUTO(belay_free)
    char *bytes = belay_strndup(text, strlen(text) - (belay_ends_with(text, "/s") ? strlen("/s") : 0));
    return belay_parse_bytes(bytes, ret_bytes_per_s);
}

bool belay_parse_duration_ms(const char *text, long long *ret_ms)
{
    static const struct {
        const char *unit;
        long long factor;
    } units[] = {
        {"", 1}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    if (text == NULL || !isdigit((unsigned char)*text))
        return false;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0)
        return false;
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < BELAY_COUNT(units); i++) {
        if (belay_equal(end, units[i].unit))
            return !__builtin_mul_overflow(value, units[i].factor, ret_ms);
    }
    return false;
}

void belay_list_add_owned(belay_list *list, char *text)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        list->items = belay_realloc_array(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = text;
}

void belay_list_add(belay_list *list, const char *text)
{
    belay_list_add_owned(list, belay_strdup(text));
}

bool belay_list_has(const belay_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (belay_equal(list->items[i], text))
            return true;
    }
    return false;
}

bool belay_list_same(const belay_list *a, const belay_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = belay_list_has(b, a->items[i]);
    return same;
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void belay_list_sort(belay_list *list)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_items);
}

char *belay_list_join(const belay_list *list, const char *separator)
{
    belay_str joined = BELAY_STR_INIT;
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            belay_str_append(&joined, separator);
        belay_str_append(&joined, list->items[i]);
    }
    return belay_str_steal(&joined);
}

void belay_list_split(belay_list *list, const char *text, const char *separators)
{
    while (*text != '\0') {
        text += strspn(text, separators);
        size_t length = strcspn(text, separators);
        if (length > 0)
            belay_list_add_owned(list, belay_strndup(text, length));
        text += length;
    }
}

void belay_list_done(belay_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (belay_list){0};
}

void belay_list_done_secret(belay_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        explicit_bzero(list->items[i], strlen(list->items[i]));
    belay_list_done(list);
}

/* C1 controls, marks and overrides of direction: what UTF-8 has beside ASCII's own. 0: none of them, else the
 * bytes of the character. */
static size_t unseen(const unsigned char *at, unsigned *ret)
{
    if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F) {
        *ret = at[1];
        return 2;
    }
    if (at[0] != 0xE2 || (at[1] != 0x80 && at[1] != 0x81) || at[2] < 0x80 || at[2] > 0xBF)
        return 0;
    *ret = 0x2000U + ((at[1] & 0x3FU) << 6) + (at[2] & 0x3FU);
    bool turns = (*ret >= 0x200E && *ret <= 0x200F) || (*ret >= 0x2028 && *ret <= 0x202E) ||
                 (*ret >= 0x2066 && *ret <= 0x2069);
    return turns ? 3 : 0;
}

char *belay_printable(const char *text, const char *keep)
{
    belay_str shown = BELAY_STR_MAX(SIZE_MAX / 2);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        unsigned point = 0;
        size_t size = unseen(at, &point);
        if (size > 0) {
            belay_str_appendf(&shown, "\\u%04x", point);
            at += size - 1;
        } else if ((*at >= 0x20 && *at != 0x7F) || strchr(keep, *at) != NULL) {
            belay_str_append_char(&shown, (char)*at);
        } else if (*at == '\n') {
            belay_str_append(&shown, "\\n");
        } else {
            belay_str_appendf(&shown, "\\x%02x", *at);
        }
    }
    return belay_str_steal(&shown);
}

void belay_shell_quote(belay_str *to, const char *text)
{
    belay_str_append_char(to, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            belay_str_append(to, "'\\''");
        else
            belay_str_append_char(to, *text);
    }
    belay_str_append_char(to, '\'');
}
