#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/pace.h"
#include "util/clock.h"
#include "util/str.h"

enum { TERMINAL_INTERVAL_MS = 200, PLAIN_INTERVAL_MS = 5000, LINE_MAX_COLUMNS = 150 };

typedef struct belay_terminal {
    belay_reporter base;
    belay_level least;
    bool in_place; /* progress is rewritten where it stands */
    bool colours;
    bool progress_shown; /* the cursor stands behind a progress line */
    belay_pace pace;
} belay_terminal;

static const struct {
    const char *label;
    const char *colour;
} level_table[] = {
    [BELAY_DEBUG] = {"debug: ", "\033[2m"},
    [BELAY_INFO] = {"", ""},
    [BELAY_NOTICE] = {"notice: ", "\033[36m"},
    [BELAY_WARN] = {"warning: ", "\033[33m"},
    [BELAY_ERROR] = {"", "\033[31m"},
};

static void clear_progress(belay_terminal *t)
{
    if (t->progress_shown)
        fputs("\r\033[K", stderr);
    t->progress_shown = false;
}

/* Further lines of a message are indented. A newline without that came with a name, which must not look like
 * a message of its own. The caller frees. */
static char *printable_message(const char *text)
{
    BELAY_AUTO(belay_free) char *shown = belay_printable(text, "\n\t");
    belay_str message = BELAY_STR_MAX(SIZE_MAX / 2);
    for (const char *at = shown; *at != '\0'; at++) {
        if (*at == '\n' && at[1] != ' ' && at[1] != '\t')
            belay_str_append(&message, "\\n");
        else
            belay_str_append_char(&message, *at);
    }
    return belay_str_steal(&message);
}

static void line(belay_reporter *self, belay_level level, const char *text)
{
    belay_terminal *t = (belay_terminal *)self;
    if (level < t->least)
        return;
    clear_progress(t);
    BELAY_AUTO(belay_free) char *shown = printable_message(text);
    bool coloured = t->colours && level_table[level].colour[0] != '\0';
    fprintf(stderr, "%s%s%s%s\n", coloured ? level_table[level].colour : "", level_table[level].label, shown,
        coloured ? "\033[0m" : "");
}

static void append_size(belay_str *to, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    while (bytes >= 10000 && unit + 1 < BELAY_COUNT(units)) {
        bytes /= 1000;
        unit++;
    }
    belay_str_appendf(to, "%.0f %s", bytes, units[unit]);
}

/* A progress line that wrapped could not be cleared again. */
static int columns(const belay_terminal *t)
{
    struct winsize size;
    bool known = t->in_place && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return known && size.ws_col <= LINE_MAX_COLUMNS ? size.ws_col - 1 : LINE_MAX_COLUMNS;
}

static void append_duration(belay_str *to, double seconds)
{
    unsigned long whole = (unsigned long)(seconds + 0.5);
    if (whole < 100)
        belay_str_appendf(to, "%lu s", whole);
    else if (whole < 6000)
        belay_str_appendf(to, "%lu min", (whole + 30) / 60);
    else
        belay_str_appendf(to, "%lu h %lu min", whole / 3600, whole % 3600 / 60);
}

static void append_bytes(belay_str *to, const belay_progress *p, const belay_figures *figures)
{
    append_size(to, (double)p->done_bytes);
    if (figures->share >= 0)
        belay_str_appendf(to, " (%.0f %%)", figures->share * 100);
    belay_str_append(to, ", ");
    append_size(to, figures->rate_bytes_per_s);
    belay_str_append(to, "/s");
    if (p->done_rows > 0)
        belay_str_appendf(to, ", %llu rows", (unsigned long long)p->done_rows);
    if (figures->seconds_left >= 0) {
        belay_str_append(to, ", ");
        append_duration(to, figures->seconds_left);
        belay_str_append(to, " left");
    }
}

static void append_items(belay_str *to, const belay_progress *p)
{
    belay_str_appendf(
        to, "%llu of %llu", (unsigned long long)p->done_items, (unsigned long long)p->total_items);
}

/* "snapshot: 512 MB (34 %), 210 MB/s, 2000000 rows, 5 s left  entries 41 %" */
static void append_progress(belay_str *to, const belay_progress *p, const belay_figures *figures)
{
    bool has_bytes = p->done_bytes > 0 || p->total_bytes > 0;
    belay_str_appendf(to, "%s: ", p->what);
    if (has_bytes)
        append_bytes(to, p, figures);
    if (p->total_items > 0 && !has_bytes)
        append_items(to, p);
    BELAY_AUTO(belay_free) char *item = p->item == NULL ? NULL : belay_printable(p->item, "");
    if (item != NULL)
        belay_str_appendf(to, "%s%s", has_bytes || p->total_items > 0 ? "  " : "", item);
    if (p->item != NULL && p->item_total_bytes > 0 && p->item_done_bytes <= p->item_total_bytes)
        belay_str_appendf(to, " %.0f %%", 100.0 * (double)p->item_done_bytes / (double)p->item_total_bytes);
}

static void progress(belay_reporter *self, const belay_progress *p)
{
    belay_terminal *t = (belay_terminal *)self;
    if (!belay_pace_due(&t->pace, p, belay_now_ms(), t->in_place ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS))
        return;
    clear_progress(t);
    if (p->finished)
        return; /* the line that says what was done follows anyway */
    belay_figures figures;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_pace_read(&t->pace, p, &figures);
    append_progress(&text, p, &figures);
    fprintf(stderr, "%.*s%s", columns(t), belay_str_text(&text), t->in_place ? "" : "\n");
    t->progress_shown = t->in_place;
}

static void release(belay_reporter *self)
{
    clear_progress((belay_terminal *)self);
    free(self);
}

belay_reporter *belay_terminal_new(belay_level least, belay_progress_form form)
{
    belay_terminal *t = belay_alloc(sizeof *t);
    const char *no_color = getenv("NO_COLOR");
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    t->base = (belay_reporter){
        .line = line, .progress = form == BELAY_PROGRESS_NONE ? NULL : progress, .free = release};
    t->least = least;
    const char *kind = getenv("TERM");
    bool is_dumb = kind == NULL || *kind == '\0' || belay_equal(kind, "dumb"); /* it knows no escapes */
    t->in_place = is_terminal && !is_dumb && form == BELAY_PROGRESS_AUTO;
    t->colours = is_terminal && !is_dumb && (no_color == NULL || *no_color == '\0');
    return &t->base;
}
