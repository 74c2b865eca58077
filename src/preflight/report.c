#include "preflight/preflight.h"

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
        (belay_finding){name, verdict, belay_strdup(message), belay_strdup(hint == NULL ? "" : hint)};
    if (verdict > report->verdict)
        report->verdict = verdict;
}

void belay_check_report_done(belay_check_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->items[i].message);
        free(report->items[i].hint);
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

bool belay_check_report_require(const belay_check_report *report, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    const belay_finding *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++) {
        const belay_finding *one = &report->items[i];
        if (one->verdict != BELAY_REFUSE)
            continue;
        first = first == NULL ? one : first;
        belay_str_appendf(&text, "%s%s: %s", count++ == 0 ? "" : "; ", one->name, one->message);
    }
    if (first == NULL)
        return true;
    belay_fail(err, BELAY_E_PREFLIGHT, "%s", belay_str_text(&text));
    return belay_error_hint(err, "%s", first->hint);
}
