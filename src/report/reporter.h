/* Where the story goes: lines, stages, progress. stdout carries the answer, a reporter tells the story on
 * stderr.
 *
 * Domain code gets a reporter and never prints. The reporter may be NULL: silence. Calls come from the
 * coordinator's thread only. Texts carry no trailing newline and no secrets.
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
    uint64_t total_bytes; /* 0: unknown */
    uint64_t done_rows;
    int64_t elapsed_ms;
    bool finished;
} belay_progress;

typedef struct belay_reporter belay_reporter;
struct belay_reporter {
    void (*line)(belay_reporter *self, belay_level level, const char *text);
    void (*progress)(belay_reporter *self, const belay_progress *progress); /* may be NULL */
};

void belay_say(belay_reporter *reporter, belay_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void belay_report_progress(belay_reporter *reporter, const belay_progress *progress);
/* message, place, detail, statement, hint: on several lines, as a person reads them; in GitHub Actions an
 * annotation too (report/annotation.h). */
void belay_say_error(belay_reporter *reporter, const belay_error *err);

/* The reporter for terminals and logs: stderr, colours only on a terminal without NO_COLOR, progress
 * rewritten in place on a terminal and one plain line every few seconds elsewhere. Free with
 * belay_terminal_free. */
typedef struct belay_terminal belay_terminal;
belay_terminal *belay_terminal_new(belay_level least);
belay_reporter *belay_terminal_reporter(belay_terminal *terminal);
void belay_terminal_free(belay_terminal *terminal);
BELAY_DEFINE_AUTO(belay_terminal, belay_terminal_free)

#endif
