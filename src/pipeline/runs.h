/* The runs of a target, as their folders in the store tell:
 * <target>/runs/<run-id>/{journal.ndjson,report.json}. */
#ifndef BELAY_PIPELINE_RUNS_H
#define BELAY_PIPELINE_RUNS_H

#include <jansson.h>

#include "store/store.h"
#include "util/error.h"
#include "util/str.h"

/* Run ids, newest first. */
bool belay_runs_list(belay_store *store, const char *target, belay_list *ret, belay_error *err);
/* Summary of one: {"run", "target", "verb", "outcome", "started_at", "ended_at", "from", "to", "snapshot",
 * "kept", "host", "stages", "error"}; an unfinished run has outcome "unfinished". New reference. */
bool belay_runs_read(
    belay_store *store, const char *target, const char *run_id, json_t **ret, belay_error *err);
/* The newest run without an end record; *ret NULL when there is none. The caller frees. Journals are read
 * once: which of them have an end is noted in <target>/runs/ended, so that this stays fast with thousands.
 * Who holds the target's lock calls belay_journal_copies_catch_up (pipeline/journal_copy.h) before; without
 * the lock the answer is what the store says. */
bool belay_runs_unfinished(belay_store *store, const char *target, char **ret_run_id, belay_error *err);
/* BELAY_E_UNFINISHED_RUN (exit 5) when there is one: names it, its host, its last stage, and what to type. */
bool belay_runs_refuse_unfinished(belay_store *store, const char *target, belay_error *err);

#endif
