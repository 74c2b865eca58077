#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/reporter.h"
#include "util/clock.h"
#include "util/str.h"

enum { TERMINAL_INTERVAL_MS = 200, PLAIN_INTERVAL_MS = 5000, LINE_MAX_COLUMNS = 150 };

struct belay_terminal {
    belay_reporter base;
    belay_level least;
    bool is_terminal;
    bool colours;
    bool progress_shown; /* the cursor stands behind a progress line */
    int64_t progress_at_ms;
};

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

static void line(belay_reporter *self, belay_level level, const char *text)
{
    belay_terminal *t = (belay_terminal *)self;
    if (level < t->least)
        return;
    clear_progress(t);
    bool coloured = t->colours && level_table[level].colour[0] != '\0';
    fprintf(stderr, "%s%s%s%s\n", coloured ? level_table[level].colour : "", level_table[level].label, text,
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
    bool known = t->is_terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return known && size.ws_col <= LINE_MAX_COLUMNS ? size.ws_col - 1 : LINE_MAX_COLUMNS;
}

static void progress(belay_reporter *self, const belay_progress *p)
{
    belay_terminal *t = (belay_terminal *)self;
    int64_t now = belay_now_ms();
    int64_t interval = t->is_terminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
    if (t->least > BELAY_INFO || (!p->finished && now - t->progress_at_ms < interval))
        return;
    if (p->finished && !t->is_terminal)
        return; /* the line that says what was done follows anyway */
    t->progress_at_ms = now;
    clear_progress(t);
    if (p->finished)
        return;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_str_appendf(&text, "%s: ", p->what);
    append_size(&text, (double)p->done_bytes);
    double seconds = (double)p->elapsed_ms / 1000;
    double rate = seconds > 0 ? (double)p->done_bytes / seconds : 0;
    if (p->total_bytes > 0) {
        double share = (double)p->done_bytes / (double)p->total_bytes;
        belay_str_appendf(&text, " (%.0f %%)", share > 1 ? 100 : share * 100);
    }
    belay_str_append(&text, ", ");
    append_size(&text, rate);
    belay_str_append(&text, "/s");
    if (p->total_bytes > p->done_bytes && rate > 0)
        belay_str_appendf(&text, ", %.0f s left", (double)(p->total_bytes - p->done_bytes) / rate);
    if (p->item != NULL)
        belay_str_appendf(&text, "  %s", p->item);
    fprintf(stderr, "%.*s%s", columns(t), belay_str_text(&text), t->is_terminal ? "" : "\n");
    t->progress_shown = t->is_terminal;
}

belay_terminal *belay_terminal_new(belay_level least)
{
    belay_terminal *t = belay_alloc(sizeof *t);
    const char *no_color = getenv("NO_COLOR");
    t->base.line = line;
    t->base.progress = progress;
    t->least = least;
    t->progress_at_ms = belay_now_ms(); /* what is over at once needs no line */
    t->is_terminal = isatty(2) == 1;
    t->colours = t->is_terminal && (no_color == NULL || *no_color == '\0');
    return t;
}

belay_reporter *belay_terminal_reporter(belay_terminal *terminal)
{
    return &terminal->base;
}

void belay_terminal_free(belay_terminal *terminal)
{
    if (terminal != NULL)
        clear_progress(terminal);
    free(terminal);
}
