/* DDL by pg_dump under an exported snapshot, taken apart into TOC entries.
 *
 * pg_dump runs once per section (--section=pre-data, --section=post-data), so that the section of an object
 * is pg_dump's own decision for every version, not a table here; both runs see the same snapshot and number
 * objects alike. Data-only parts (rows, sequence positions, blob contents) belong to neither section. With
 * --verbose the plain format names each object's dump id and dependencies in comments at top level; belay's
 * lexer tells those from text inside of strings and bodies.
 */
#ifndef BELAY_SNAPSHOT_DUMP_H
#define BELAY_SNAPSHOT_DUMP_H

#include <jansson.h>

#include "pg/dialer.h"
#include "util/str.h"

#define BELAY_DUMP_MAX_BYTES ((size_t)1024 * 1024 * 1024)

/* The pg_dump to use for a server of that version (150018): BELAY_PG_DUMP, else of those installed in
 * /usr/lib/postgresql/N/bin the one of the server's major, else the next newer, else the one in PATH when it
 * is not older. The caller frees. BELAY_E_PROCESS with what to install. */
bool belay_dump_find(int server_version, char **ret, belay_error *err);

typedef struct belay_dump_options {
    const char *program;
    belay_dialer *dialer;
    const char *dbname;
    const char *snapshot; /* exported id */
    const char *application_name;
    int64_t lock_wait_ms;
    const atomic_bool *given_up; /* util/process.h */
} belay_dump_options;
/* Runs pg_dump for "pre-data" or "post-data"; its text goes to ret. It dies with belay. Blocking. */
bool belay_dump_run(const belay_dump_options *options, const char *section, belay_str *ret, belay_error *err);

/* Copies pg_dump's text to `to` and appends its entries, as snapshot.h describes them, to the JSON array.
 * Left out are psql commands (\restrict) and settings that a server of that version (160002) does not know.
 * `section`: "pre" or "post". */
bool belay_dump_split(const char *text, size_t length, const char *section, int server_version, belay_str *to,
    json_t *entries, belay_error *err);

#endif
