/* Settings of a role in every database (ALTER ROLE ... SET), as header.json recorded them. Those of a role in
 * the restored database are part of its state (pg/dbstate.h). Blocking.
 */
#ifndef BELAY_RESTORE_ROLE_SETTINGS_H
#define BELAY_RESTORE_ROLE_SETTINGS_H

#include <jansson.h>

#include "pg/pg.h"
#include "report/reporter.h"

/* To the role `name`, in the transaction that created it. One that the server refuses, since only superusers
 * may give it or since it does not know it, is left out. */
bool belay_role_settings_give(belay_pg *pg, const json_t *recorded_role, const char *name, belay_error *err);
/* Names what the roles in `wanted` lack, with the statements that give it. A role that `map` put in another's
 * place is not compared. `recorded`: header.json's "roles", may be NULL. */
bool belay_role_settings_report(belay_pg *pg, const json_t *recorded, const belay_list *wanted,
    const belay_list *map, belay_reporter *reporter, belay_error *err);

#endif
