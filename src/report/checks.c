#include "report/checks.h"

#include "util/mem.h"
#include "util/str.h"

static const char *const verdict_names[] = {"ok", "warn", "refuse"};

const char *belay_verdict_name(belay_verdict verdict)
{
    return verdict_names[verdict];
}

void belay_check_report_add(belay_check_report *report, const char *name, belay_verdict verdict,
    const char *message, const char *hint)
{
    report->items = belay_realloc_array(report->items, report->count + 1, sizeof *report->items);
    report->items[report->count++] =
        (belay_finding){name, verdict, belay_strdup(message), belay_strdup(hint == NULL ? "" : hint), NULL};
    if (verdict > report->verdict)
        report->verdict = verdict;
}

void belay_check_report_add_error(
    belay_check_report *report, const char *name, belay_verdict verdict, const belay_error *cause)
{
    belay_check_report_add(report, name, verdict, cause->message, cause->hint);
    belay_error *copy = belay_alloc(sizeof *copy);
    *copy = *cause;
    report->items[report->count - 1].cause = copy;
}

void belay_check_report_settle(
    belay_check_report *report, const char *name, size_t before, belay_reporter *reporter)
{
    if (report->count == before)
        belay_check_report_add(report, name, BELAY_OK, "fine", NULL);
    for (size_t i = before; i < report->count; i++) {
        const belay_finding *one = &report->items[i];
        if (one->verdict != BELAY_WARNING)
            belay_say(
                reporter, BELAY_DEBUG, "%s: %s: %s", belay_verdict_name(one->verdict), name, one->message);
        else
            belay_say(reporter, BELAY_WARN, "%s: %s%s%s", name, one->message,
                one->hint[0] == '\0' ? "" : "\n  hint      ", one->hint);
    }
}

void belay_check_report_done(belay_check_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->items[i].message);
        free(report->items[i].hint);
        free(report->items[i].cause);
    }
    free(report->items);
    *report = (belay_check_report){0};
}

json_t *belay_check_report_json(const belay_check_report *report)
{
    json_t *checks = json_array();
    for (size_t i = 0; i < report->count; i++) {
        const belay_finding *one = &report->items[i];
        json_array_append_new(
            checks, json_pack("{s:s, s:s, s:s, s:s}", "name", one->name, "verdict",
                        belay_verdict_name(one->verdict), "message", one->message, "hint", one->hint));
    }
    return json_pack("{s:s, s:o}", "verdict", belay_verdict_name(report->verdict), "checks", checks);
}

/* The hint of the only refusal, or a line for each: "name: hint". */
static void add_hints(const belay_check_report *report, size_t refusals, belay_str *to)
{
    for (size_t i = 0; i < report->count; i++) {
        const belay_finding *one = &report->items[i];
        if (one->verdict != BELAY_REFUSE || one->hint[0] == '\0')
            continue;
        if (refusals == 1)
            belay_str_append(to, one->hint);
        else
            belay_str_appendf(
                to, "%s%s: %s", belay_str_text(to)[0] == '\0' ? "" : "\n", one->name, one->hint);
    }
}

bool belay_check_report_require(const belay_check_report *report, belay_code code, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str hints = BELAY_STR_INIT;
    const belay_finding *first = NULL;
    size_t refusals = 0;
    for (size_t i = 0; i < report->count; i++) {
        const belay_finding *one = &report->items[i];
        if (one->verdict != BELAY_REFUSE)
            continue;
        belay_str_appendf(&text, "%s%s: %s", first == NULL ? "" : "; ", one->name, one->message);
        first = first == NULL ? one : first;
        refusals++;
    }
    if (first == NULL)
        return true;
    belay_error found = {0};
    belay_fail(&found, code, "%s", belay_str_text(&text));
    /* Where the first refusal arose is worth keeping. */
    belay_error placed = first->cause == NULL ? found : *first->cause;
    memcpy(placed.message, found.message, sizeof placed.message);
    /* A cause that refuses by itself tells more than "preflight"; and who was stopped has judged nothing. */
    bool refuses_itself =
        belay_code_exit(placed.code) == belay_code_exit(code) && belay_code_exit(code) == BELAY_EXIT_REFUSED;
    if (first->cause == NULL || (!refuses_itself && placed.code != BELAY_E_CANCELLED))
        placed.code = code;
    add_hints(report, refusals, &hints);
    belay_error_hint(&placed, "%s", belay_str_text(&hints));
    if (err != NULL)
        *err = placed;
    return false;
}
