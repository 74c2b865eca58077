#include "report/reporter.h"

#include <stdarg.h>
#include <stdio.h>

#include "report/annotation.h"
#include "util/str.h"

void belay_say(belay_reporter *reporter, belay_level level, const char *format, ...)
{
    if (reporter == NULL)
        return;
    va_list args;
    va_start(args, format);
    BELAY_AUTO(belay_free) char *text = NULL;
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length >= 0)
        reporter->line(reporter, level, text);
}

void belay_report_progress(belay_reporter *reporter, const belay_progress *progress)
{
    if (reporter != NULL && reporter->progress != NULL)
        reporter->progress(reporter, progress);
}

void belay_report_stage(belay_reporter *reporter, const char *what, const char *name)
{
    if (reporter != NULL && reporter->stage != NULL)
        reporter->stage(reporter, what, name);
}

bool belay_progress_form_parse(const char *text, belay_progress_form *ret)
{
    static const char *const forms[] = {[BELAY_PROGRESS_AUTO] = "auto",
        [BELAY_PROGRESS_PLAIN] = "plain",
        [BELAY_PROGRESS_NONE] = "none",
        [BELAY_PROGRESS_JSON] = "json"};
    for (size_t i = 0; i < BELAY_COUNT(forms); i++) {
        if (belay_equal(forms[i], text)) {
            *ret = (belay_progress_form)i;
            return true;
        }
    }
    return false;
}

/* Each line of a text that may have several, indented. */
static void say_block(belay_reporter *reporter, const char *label, const char *text)
{
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    belay_list_split(&lines, text, "\n");
    for (size_t i = 0; i < lines.count; i++)
        belay_say(reporter, BELAY_ERROR, "  %-10s%s", i == 0 ? label : "", lines.items[i]);
}

/* Does the detail begin with a line of the statement and a caret below it? */
static bool shows_statement(const belay_error *err)
{
    const char *second = strchr(err->detail, '\n');
    return second != NULL && second[1 + strspn(second + 1, " ")] == '^';
}

static void say_in_lines(belay_reporter *reporter, const belay_error *err)
{
    if (err->file[0] != '\0' && err->line > 0)
        belay_say(reporter, BELAY_ERROR, "%s:%ld: %s", err->file, err->line, err->message);
    else if (err->file[0] != '\0')
        belay_say(reporter, BELAY_ERROR, "%s: %s", err->file, err->message);
    else
        belay_say(reporter, BELAY_ERROR, "%s", err->message);
    if (err->sqlstate[0] != '\0')
        say_block(reporter, "SQLSTATE", err->sqlstate);
    if (err->statement[0] != '\0' && !shows_statement(err))
        say_block(reporter, "statement", err->statement);
    say_block(reporter, "detail", err->detail);
    say_block(reporter, "hint", err->hint);
}

void belay_say_error(belay_reporter *reporter, const belay_error *err)
{
    if (reporter != NULL && reporter->error != NULL)
        reporter->error(reporter, err);
    else
        say_in_lines(reporter, err);
    belay_say_annotation(reporter, err);
}
