/* Where the story goes: lines, stages, progress. stdout carries the answer, a reporter tells the story on
 * stderr.
 *
 * Domain code gets a reporter and never prints. The reporter may be NULL: silence. Calls come from the
 * coordinator's thread only. Texts carry no trailing newline and no secrets; where one has several lines,
 * those behind the first are indented, which tells them from newlines in names. Progress may be reported as
 * often as there is news, though not per row: what comes too early costs one look at the clock.
 */
#ifndef BELAY_REPORT_REPORTER_H
#define BELAY_REPORT_REPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/mem.h"

typedef enum belay_level { BELAY_DEBUG, BELAY_INFO, BELAY_NOTICE, BELAY_WARN, BELAY_ERROR } belay_level;

typedef struct belay_progress {
    const char *what; /* "snapshot", "restore", ... */
    const char *item; /* the table at work, may be NULL */
    uint64_t done_bytes;
    uint64_t total_bytes;                       /* 0: unknown */
    uint64_t item_done_bytes, item_total_bytes; /* of the item, likewise */
    uint64_t done_items, total_items;           /* tables, or objects; 0: unknown */
    uint64_t done_rows;
    int64_t elapsed_ms;
    bool finished;
} belay_progress;

typedef struct belay_reporter belay_reporter;
struct belay_reporter {
    void (*line)(belay_reporter *self, belay_level level, const char *text);
    /* Those below may be NULL. */
    void (*progress)(belay_reporter *self, const belay_progress *progress);
    void (*stage)(belay_reporter *self, const char *what, const char *name);
    void (*error)(belay_reporter *self, const belay_error *err); /* NULL: an error is told in lines */
    void (*free)(belay_reporter *self);
};
static inline void belay_reporter_free(belay_reporter *reporter)
{
    if (reporter != NULL && reporter->free != NULL)
        reporter->free(reporter);
}
BELAY_DEFINE_AUTO(belay_reporter, belay_reporter_free)

void belay_say(belay_reporter *reporter, belay_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void belay_report_progress(belay_reporter *reporter, const belay_progress *progress);
/* A part of `what` is behind: ("snapshot", "synced"), ("deploy", "gate"). For who measures where time goes.
 */
void belay_report_stage(belay_reporter *reporter, const char *what, const char *name);
/* message, place, detail, statement, hint: on several lines, as a person reads them; in GitHub Actions an
 * annotation too (report/annotation.h). */
void belay_say_error(belay_reporter *reporter, const belay_error *err);

/* How progress is shown on stderr. */
typedef enum belay_progress_form {
    BELAY_PROGRESS_AUTO, /* in place on a terminal, plain lines elsewhere */
    BELAY_PROGRESS_PLAIN,
    BELAY_PROGRESS_NONE,
    BELAY_PROGRESS_JSON /* everything as events: belay_events_new */
} belay_progress_form;
/* "auto", "plain", "none", "json"; false for other words. */
bool belay_progress_form_parse(const char *text, belay_progress_form *ret);

/* The reporter for terminals and logs: stderr, colours only on a terminal without NO_COLOR, progress
 * rewritten in place on a terminal and one plain line every few seconds elsewhere. Free with
 * belay_reporter_free. */
belay_reporter *belay_terminal_new(belay_level least, belay_progress_form form);
/* The reporter for programs: one JSON object a line on stderr (docs/progress.md). `least` is for messages.
 * Free with belay_reporter_free. */
belay_reporter *belay_events_new(belay_level least);

#endif
