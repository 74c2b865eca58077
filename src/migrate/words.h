/* The first words of a statement, for the few questions that the executor has about it: does it control the
 * transaction, which index does it build. Pure; any thread. */
#ifndef BELAY_MIGRATE_WORDS_H
#define BELAY_MIGRATE_WORDS_H

#include <stdbool.h>

#include "util/str.h"

/* The next word (quotes kept), or a single other character; false at the end. Skips white space and comments.
 */
bool belay_sql_token(const char **at, belay_span *ret);
bool belay_sql_is(belay_span token, const char *keyword); /* without regard to case */

/* BEGIN, COMMIT, PREPARE TRANSACTION and the like; savepoints are none. */
bool belay_sql_controls_transaction(const char *sql);
/* SAVEPOINT, RELEASE, ROLLBACK TO. */
bool belay_sql_controls_savepoint(const char *sql);

/* SET and RESET of what lasts as long as the session: not SET LOCAL, SET CONSTRAINTS, SET TRANSACTION. */
bool belay_sql_sets_session(const char *sql);
/* SET [SESSION | LOCAL] {ROLE | SESSION AUTHORIZATION} */
bool belay_sql_sets_role(const char *sql);

/* INSERT, UPDATE, DELETE, MERGE, WITH, COPY, TRUNCATE, ALTER TABLE: runs in a transaction as well as outside
 * of one, and cannot commit in its middle. */
bool belay_sql_is_atomic(const char *sql);
/* CALL, DO, SELECT, EXECUTE, EXPLAIN: whatever functions do; a second time may do it twice, and nothing
 * tells. Others are harmless to repeat or fail by their own words. */
bool belay_sql_runs_code(const char *sql);
/* The index or table of a REINDEX ... CONCURRENTLY, as written; else NULL. */
char *belay_sql_reindexed(const char *sql);

typedef struct belay_index_build {
    bool concurrent;     /* CREATE INDEX CONCURRENTLY */
    char *index, *table; /* as written; index NULL: the server chooses the name */
} belay_index_build;
/* What a CREATE INDEX CONCURRENTLY builds. */
void belay_sql_index_build(const char *sql, belay_index_build *ret);
void belay_index_build_done(belay_index_build *build);
static inline void belay_index_build_done_p(belay_index_build *build)
{
    belay_index_build_done(build);
}

#endif
