/* A run as a person reads it, from its JSON (report.json, pipeline/runs.h): text for a terminal, Markdown for
 * the job summary of a CI service. Appends to `to`; missing keys are left out. Any thread.
 */
#ifndef BELAY_REPORT_RUN_REPORT_H
#define BELAY_REPORT_RUN_REPORT_H

#include <jansson.h>

#include "util/str.h"

void belay_run_report_text(const json_t *run, belay_str *to);
void belay_run_report_markdown(const json_t *run, belay_str *to);

#endif
