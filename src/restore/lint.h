/* Restorability lint: what would stand in a restore's way, found when the snapshot is written instead of on
 * the bad day.
 *
 * The source is asked (lint.sql): functions that indexes, checks, generated columns and materialized views
 * need and that rely on a search_path, constraints that rows violate, collations whose library has changed.
 * Then the snapshot's schema, without rows, goes once through the very restore, into a scratch database with
 * the owner, rights and settings of the target's, which is dropped again: where the role may create
 * databases. That it went well is remembered for a while (lint_memory.h), and not tried again while nothing
 * changes.
 *
 * A table of checks (lint.c) adds findings named "lint_..." to a report. Only a schema that cannot be
 * restored refuses; all else warns. Reads the source in read-only transactions of at most 3 s each, under
 * locks that hinder nobody. One thread; blocking.
 *
 * To add a check: a query in lint.sql or a function, a line in the table, and one in docs/snapshots.md
 * (unit_restore_test_lint compares them).
 */
#ifndef BELAY_RESTORE_LINT_H
#define BELAY_RESTORE_LINT_H

#include "report/checks.h"
#include "restore/prove.h"

typedef struct belay_lint_options {
    belay_prove_options prove;
    const char *dbname; /* the source, as reachable now (the private name behind the gate) */
    bool skip_restore;  /* only ask the source: the restore is tried elsewhere */
} belay_lint_options;

/* Warnings are told as they are found, refusals are in the report. False when the server or the archive
 * cannot be reached, when the run was stopped, when there is no room for the scratch database, or when the
 * snapshot is encrypted and the key is not here (BELAY_E_KEY). */
bool belay_lint(const belay_lint_options *options, belay_store *store, const belay_snapshot_info *info,
    belay_check_report *ret, belay_error *err);
/* The names of the checks; NULL beyond the last. */
const char *belay_lint_name(size_t index);

#endif
