/* That a schema could be restored, kept in the store (<target>/lint.json), so that the next snapshot of the
 * same schema need not try it again.
 *
 * The key stands for all that the try rests on: this belay's version, the DDL, the database's state and
 * extensions of the snapshot, role_map, and of the server its version, roles, memberships, extensions on
 * offer, tablespaces and configuration, as this role sees them. What it does not tell, such as a library that
 * was removed, is why what is remembered counts for seven days only. One file per target: the last schema
 * that was tried.
 */
#ifndef BELAY_RESTORE_LINT_MEMORY_H
#define BELAY_RESTORE_LINT_MEMORY_H

#include "archive/archive.h"
#include "config/target.h"
#include "pg/pg.h"
#include "store/store.h"
#include "util/hash.h"

/* Reads the snapshot's schema and asks the server, of which `maintenance` may be any database. Blocking. */
bool belay_lint_key(belay_archive *archive, belay_pg *maintenance, const belay_target *target,
    char ret[static BELAY_SHA256_HEX_SIZE], belay_error *err);
/* The id of the snapshot whose schema was tried under that key, not longer ago than counts; NULL: none, or
 * it cannot be read. The caller frees. */
char *belay_lint_recall(belay_store *store, const belay_target *target, const char *key);
bool belay_lint_remember(
    belay_store *store, const belay_target *target, const char *key, const char *id, belay_error *err);

#endif
