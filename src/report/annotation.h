/* Errors as annotations of GitHub Actions: "::error file=migrations/x.sql,line=7::message". Thread-safe. */
#ifndef BELAY_REPORT_ANNOTATION_H
#define BELAY_REPORT_ANNOTATION_H

#include "report/reporter.h"

/* One line, escaped as the runner wants it; the hint follows the message. `root` (may be NULL) is taken off
 * the front of the file's path. The caller frees. */
char *belay_annotation(const belay_error *err, const char *root);
/* Says it when GITHUB_ACTIONS is "true", else nothing. belay_say_error calls it; only who shows an error in
 * another way needs to. */
void belay_say_annotation(belay_reporter *reporter, const belay_error *err);

#endif
