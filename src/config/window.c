#include "config/window.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "util/str.h"

enum { DAY_MINUTES = 24 * 60, EVERY_DAY = 0x7F };

static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static int day_of(const char *text, size_t length)
{
    for (int i = 0; i < 7; i++) {
        if (length == 3 && strncasecmp(day_names[i], text, 3) == 0)
            return i;
    }
    return -1;
}

/* "Sun" or "Mon-Fri"; a range may go over the week's end. */
static bool parse_days(const char *word, unsigned *ret)
{
    size_t length = strcspn(word, "-");
    int first = day_of(word, length);
    int last = word[length] == '-' ? day_of(word + length + 1, strlen(word + length + 1)) : first;
    if (first < 0 || last < 0)
        return false;
    *ret = 0;
    for (int day = first;; day = (day + 1) % 7) {
        *ret |= 1U << day;
        if (day == last)
            return true;
    }
}

static bool parse_time(const char *text, int *ret)
{
    for (int i = 0; i < 5; i++) {
        if (i == 2 ? text[i] != ':' : !isdigit((unsigned char)text[i]))
            return false;
    }
    int hours = (text[0] - '0') * 10 + text[1] - '0';
    int minutes = (text[3] - '0') * 10 + text[4] - '0';
    *ret = hours * 60 + minutes;
    return minutes < 60 && *ret <= DAY_MINUTES;
}

static bool parse_times(const char *word, belay_window *window)
{
    if (strlen(word) != 11 || word[5] != '-' || !parse_time(word, &window->start) ||
        !parse_time(word + 6, &window->end))
        return false;
    return window->start < DAY_MINUTES && window->start != window->end;
}

static bool parse_zone(const char *word, belay_window *window)
{
    size_t length = strlen(word);
    if (length == 0 || length >= BELAY_ZONE_SIZE || !isalpha((unsigned char)word[0]) ||
        strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") != length)
        return false;
    snprintf(window->zone, sizeof window->zone, "%s", word);
    return true;
}

static bool parse_one(const char *text, belay_window *window)
{
    BELAY_AUTO(belay_list_done) belay_list words = {0};
    belay_list_split(&words, text, " \t\n");
    size_t at = 0;
    *window = (belay_window){.days = EVERY_DAY, .zone = "UTC"};
    if (words.count > 0 && !isdigit((unsigned char)words.items[0][0])) {
        if (!parse_days(words.items[0], &window->days))
            return false;
        at++;
    }
    if (at >= words.count || !parse_times(words.items[at++], window))
        return false;
    if (at < words.count && !parse_zone(words.items[at++], window))
        return false;
    return at == words.count;
}

bool belay_windows_parse(const char *text, belay_windows *ret, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list parts = {0};
    belay_list_split(&parts, text, ",");
    ret->count = 0;
    if (parts.count == 0 || parts.count > BELAY_WINDOW_MAX)
        return belay_fail(err, BELAY_E_CONFIG, "window takes 1 to %d windows", BELAY_WINDOW_MAX);
    for (size_t i = 0; i < parts.count; i++) {
        if (!parse_one(parts.items[i], &ret->items[ret->count++])) {
            belay_span shown = belay_span_trim(belay_span_of(parts.items[i]));
            belay_fail(
                err, BELAY_E_CONFIG, "\"%.*s\" is not a maintenance window", (int)shown.length, shown.data);
            return belay_error_hint(err, "write it as `Sun 02:00-05:00 Europe/Berlin` or `Mon-Fri "
                                         "23:00-01:30`; commas separate several");
        }
    }
    return true;
}

bool belay_window_contains(const belay_window *window, int day, int minute)
{
    bool today = (window->days & (1U << day)) != 0;
    if (window->end > window->start)
        return today && minute >= window->start && minute < window->end;
    bool yesterday = (window->days & (1U << ((day + 6) % 7))) != 0;
    return (today && minute >= window->start) || (yesterday && minute < window->end);
}
