/* DDL by pg_dump under an exported snapshot, taken apart into TOC entries.
 *
 *     pg_dump -Fc --section=pre-data --section=post-data
 *         --> archive in memory --pg_restore--> text of a section
 *
 * pg_dump runs once, so that it reads the catalogue and locks the tables once; pg_restore writes each section
 * from its archive (--section=pre-data, --section=post-data), so that the section of an object is pg_dump's
 * own decision for every version, not a table here. Data-only parts (rows, sequence positions, blob contents)
 * belong to neither section. With --verbose pg_restore names each object's dump id and dependencies in
 * comments at top level; belay's lexer tells those from text inside of strings and bodies.
 */
#ifndef BELAY_SNAPSHOT_DUMP_H
#define BELAY_SNAPSHOT_DUMP_H

#include <jansson.h>

#include "pg/dialer.h"
#include "util/str.h"

#define BELAY_DUMP_MAX_BYTES ((size_t)1024 * 1024 * 1024)

typedef struct belay_dump_programs {
    char *dump, *restore; /* pg_dump, pg_restore */
} belay_dump_programs;
void belay_dump_programs_done(belay_dump_programs *programs);
static inline void belay_dump_programs_done_p(belay_dump_programs *programs)
{
    belay_dump_programs_done(programs);
}
/* The pg_dump to use for a server of that version (150018): BELAY_PG_DUMP, else of those installed in
 * /usr/lib/postgresql/N/bin the one of the server's major, else the next newer, else the one in PATH when it
 * is not older. The pg_restore beside it, else one that is not older, found in the same way. The caller ends
 * *ret, which is written on success. BELAY_E_PROCESS with what to install. */
bool belay_dump_find(int server_version, belay_dump_programs *ret, belay_error *err);

typedef struct belay_dump_options {
    const belay_dump_programs *programs;
    belay_dialer *dialer;
    const char *dbname;
    const char *snapshot; /* exported id */
    const char *application_name;
    int64_t lock_wait_ms;
    bool strings_off; /* sessions begin with standard_conforming_strings off; pg_dump's then does not */
    const atomic_bool *given_up; /* util/process.h */
} belay_dump_options;

/* A run of pg_dump in a thread of its own. What the options point to has to outlive it, but for the texts. */
typedef struct belay_dump belay_dump;
/* NULL: no thread, no memory file. */
belay_dump *belay_dump_begin(const belay_dump_options *options, belay_error *err);
/* Waits for pg_dump, then has pg_restore write "pre-data" or "post-data" to ret. Any thread, several at a
 * time; blocking; the programs die with belay. False as well once *given_up is set. */
bool belay_dump_section(belay_dump *dump, const char *section, belay_str *ret, belay_error *err);
/* Waits for pg_dump, which *given_up ends; NULL is fine. */
void belay_dump_free(belay_dump *dump);

/* Copies pg_restore's text to `to` and appends its entries, as snapshot.h describes them, to the JSON array.
 * Left out are psql commands (\restrict), places in pg_dump's archive, and settings that a server of that
 * version (160002) does not know.
 * `section`: "pre" or "post". */
bool belay_dump_split(const char *text, size_t length, const char *section, int server_version, belay_str *to,
    json_t *entries, belay_error *err);

#endif
