/* `belay restore ID --table NAME`: chosen tables of a snapshot beside the living ones (restore/beside.h).
 * Takes the run's lock, but neither gate nor journal: it is one transaction that only adds. */
#ifndef BELAY_PIPELINE_RESTORE_TABLES_H
#define BELAY_PIPELINE_RESTORE_TABLES_H

#include "pipeline/run.h"

typedef struct belay_restore_tables_wish {
    const char *id;
    const belay_list *tables, *schemas;
    const char *into_schema, *into_table; /* NULL: see restore/beside.h */
    bool publish;
} belay_restore_tables_wish;

/* Returns the exit status; the answer is a run's, with "tables": [{"from", "into", "rows"}] and "left_out".
 */
int belay_restore_tables(
    const belay_run_options *how, const belay_restore_tables_wish *wish, json_t **ret_json);

#endif
