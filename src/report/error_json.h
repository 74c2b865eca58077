/* {"code", "message", "detail", "hint", "sqlstate", "file", "line", "statement"}: an error as CONTRACT.md
 * shows it. */
#ifndef BELAY_REPORT_ERROR_JSON_H
#define BELAY_REPORT_ERROR_JSON_H

#include <jansson.h>

#include "util/error.h"

json_t *belay_error_json(const belay_error *err); /* new reference */

#endif
