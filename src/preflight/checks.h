/* The checks of pre-flight that are functions; internal to src/preflight. Each adds a finding for what is
 * wrong, or what could not be found out, and nothing when all is well. */
#ifndef BELAY_PREFLIGHT_CHECKS_H
#define BELAY_PREFLIGHT_CHECKS_H

#include "preflight/preflight.h"

typedef void belay_preflight_check(
    const belay_preflight *context, belay_check_report *report, const char *name);

belay_preflight_check belay_check_policy;
belay_preflight_check belay_check_revisions;
belay_preflight_check belay_check_tracked;
belay_preflight_check belay_check_rights;
belay_preflight_check belay_check_pg_dump;
belay_preflight_check belay_check_store_space;
belay_preflight_check belay_check_server_space;

/* Whether a deploy would make a twin, and whether it would take a snapshot. */
bool belay_preflight_wants_twin(const belay_preflight *context);
bool belay_preflight_wants_snapshot(const belay_preflight *context);

#endif
