/* Brings a definition to the form that it has after a dump and restore.
 *
 * The server's deparser is not idempotent: `status IN ('a', 'b')` on a varchar comes back as
 * `(ARRAY['a'::character varying, ...])::text[]`, and once that text was parsed again as
 * `ARRAY[('a'::character varying)::text, ...]`; `x BETWEEN 1 AND 2 AND y` loses a pair of parentheses. Both
 * are rewritten here to the later form. Quoted text, identifiers and dollar quotes pass untouched.
 */
#ifndef BELAY_PG_SCHEMA_TEXT_H
#define BELAY_PG_SCHEMA_TEXT_H

#include "util/str.h"

/* The caller frees. */
char *belay_schema_text(const char *definition);

#endif
