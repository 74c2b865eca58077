/* Database-level state: what CREATE DATABASE ... TEMPLATE and pg_dump of a single database leave out: owner,
 * ACL, settings per database and per role in it, connection limit, comment, security label, tablespace,
 * encoding, locale.
 *
 * Read as JSON from pg_database, pg_db_role_setting, pg_shdescription, pg_shseclabel; reapplied to another
 * name by statements. The JSON's shape is part of header.json (docs/snapshot-format.md).
 */
#ifndef BELAY_PG_DBSTATE_H
#define BELAY_PG_DBSTATE_H

#include <jansson.h>

#include "pg/pg.h"

/* Any connection to the server. BELAY_E_NO_DATABASE when it does not exist. */
bool belay_dbstate_read(belay_pg *pg, const char *dbname, json_t **ret, belay_error *err);
/* CREATE DATABASE `dbname` with the state's encoding and locale from template0, closed to others
 * (ALLOW_CONNECTIONS stays true, CONNECT revoked from PUBLIC). Where that fails there is no such database,
 * unless the connection was lost. */
bool belay_dbstate_create(belay_pg *pg, const json_t *state, const char *dbname, belay_error *err);
/* Owner, ACL, settings, limit, label, comment. A right that another role than the owner gave is given by that
 * role again, or by the owner where the connection's role cannot become the other one. */
bool belay_dbstate_apply(belay_pg *pg, const json_t *state, const char *dbname, belay_error *err);
/* Adds the roles of which the latter is true, each once. */
bool belay_dbstate_barred_grantors(belay_pg *pg, const json_t *state, belay_list *ret, belay_error *err);
/* The same two as SQL text: statements that a person could type, each ended by ";\n". */
void belay_dbstate_create_sql(const json_t *state, const char *dbname, int server_version, belay_str *to);
void belay_dbstate_apply_sql(const json_t *state, const char *dbname, belay_str *to);
/* `SET "name" TO 'value'` of "name=value" as pg_db_role_setting has it. */
void belay_dbstate_add_assignment(const char *setting, belay_str *to);

#endif
