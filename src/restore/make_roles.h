/* Creates the roles that a snapshot names and the server lacks (--create-roles), as header.json recorded
 * them.
 *
 * With them come the roles that they are members of. None gets a password. LOGIN, INHERIT, CREATEDB, the
 * connection limit, the date and the settings for all databases are as recorded; SUPERUSER, CREATEROLE,
 * REPLICATION and BYPASSRLS are never given, nor is a membership that would lead to a superuser or one of
 * PostgreSQL's own roles: a warning names the statement that would. A role that was not recorded is created
 * without LOGIN. What is there already is left as it is. One transaction; roles belong to the server, so they
 * stay when the restore fails later. Blocking.
 */
#ifndef BELAY_RESTORE_MAKE_ROLES_H
#define BELAY_RESTORE_MAKE_ROLES_H

#include <jansson.h>

#include "pg/pg.h"
#include "report/reporter.h"

/* `recorded`: header.json's "roles", may be NULL. `wanted`: names as they are after `map` (which may be
 * NULL). */
bool belay_roles_make(belay_pg *pg, const json_t *recorded, const belay_list *wanted, const belay_list *map,
    belay_reporter *reporter, belay_error *err);
/* BELAY_E_PREFLIGHT when some of `wanted` are missing, and this role may not create any. */
bool belay_roles_may_make(belay_pg *pg, const belay_list *wanted, belay_error *err);
/* Database-level state (pg/dbstate.h) without the owner, rights and settings of roles that are not there yet:
 * what can be tried before they are created. New reference. */
bool belay_roles_present_state(belay_pg *pg, const json_t *state, json_t **ret, belay_error *err);

#endif
