/* Roles that the statements of a dump name, and their replacement by `role_map`.
 *
 * Looks at OWNER TO, GRANT, REVOKE, ALTER DEFAULT PRIVILEGES, CREATE POLICY ... TO, CREATE USER MAPPING FOR
 * and SET SESSION AUTHORIZATION, by tokens: text in strings, bodies and other names is never touched. Any
 * thread.
 */
#ifndef BELAY_RESTORE_ROLES_H
#define BELAY_RESTORE_ROLES_H

#include <jansson.h>

#include "pg/pg.h"
#include "util/error.h"
#include "util/str.h"

/* Adds the roles that the statement names, each once; PUBLIC and the like are none. */
void belay_roles_collect(const char *sql, belay_list *ret);
/* Only those that it makes owners: ... OWNER TO role. */
void belay_roles_collect_owners(const char *sql, belay_list *ret);
/* The statement with roles replaced as `map` ("old=new") says; the caller frees. */
char *belay_roles_map(const char *sql, const belay_list *map);
/* The role that `name` becomes; borrowed. */
const char *belay_roles_lookup(const char *name, const belay_list *map);
/* The same two for database-level state (pg/dbstate.h): owner, grantees, grantors, roles with settings. */
void belay_roles_collect_state(const json_t *state, belay_list *ret);
json_t *belay_roles_map_state(const json_t *state, const belay_list *map); /* new reference */
/* BELAY_E_PREFLIGHT names those that the server lacks, and how to go on. `map` is what has made them. */
bool belay_roles_require(belay_pg *pg, const belay_list *roles, const belay_list *map, belay_error *err);

#endif
