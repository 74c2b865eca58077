/* The checks of pre-flight that are functions; internal to src/preflight. Each adds a finding for what is
 * wrong, or what could not be found out, and nothing when all is well. */
#ifndef BELAY_PREFLIGHT_CHECKS_H
#define BELAY_PREFLIGHT_CHECKS_H

#include "preflight/preflight.h"

typedef void belay_preflight_check(
    const belay_preflight *context, belay_check_report *report, const char *name);

belay_preflight_check belay_check_server_version;
belay_preflight_check belay_check_long_transactions;
belay_preflight_check belay_check_lock_table;
belay_preflight_check belay_check_window;
belay_preflight_check belay_check_policy;
belay_preflight_check belay_check_revisions;
belay_preflight_check belay_check_tracked;
belay_preflight_check belay_check_rehearsal;
belay_preflight_check belay_check_verify_sql;
belay_preflight_check belay_check_records;
belay_preflight_check belay_check_rights;
belay_preflight_check belay_check_followers;
belay_preflight_check belay_check_pg_dump;
belay_preflight_check belay_check_libraries;
belay_preflight_check belay_check_keys;
belay_preflight_check belay_check_hosts;
belay_preflight_check belay_check_store_space;
belay_preflight_check belay_check_server_space;

/* server_version as libpq gives it (150018). */
void belay_preflight_judge_version(int version, belay_check_report *report, const char *name);
/* Adds the rows (verdict, message, hint) of a query. */
void belay_preflight_add_rows(const belay_preflight *context, belay_check_report *report, const char *name,
    const char *sql, const char *const *params, size_t param_count);

/* Whether a deploy would make a twin, and take a snapshot. */
bool belay_preflight_wants_twin(const belay_preflight *context);
bool belay_preflight_wants_snapshot(const belay_preflight *context);

#endif
