/* The copy on this machine of a journal in a store on another host:
 * ${XDG_STATE_HOME:-~/.local/state}/belay/<target>/runs/<run-id>/journal.ndjson.
 *
 * A record goes to the copy first, then to the store, so the store's journal is the copy or a beginning of
 * it. The store's is the truth, since every machine sees it; what it lacks when it was out of reach is
 * brought to it from the copy before anybody who has the target's lock asks whether a run is unfinished here.
 * One that goes on otherwise than the copy does was continued on another machine, and stays. A copy that
 * cannot be written is done without. It goes when the store has the run's end. One thread.
 */
#ifndef BELAY_PIPELINE_JOURNAL_COPY_H
#define BELAY_PIPELINE_JOURNAL_COPY_H

#include "store/store.h"

typedef struct belay_journal_copy belay_journal_copy;

/* Of a run whose journal holds `size_bytes` in the store already. NULL: the store is on this machine, or no
 * copy can be made. */
belay_journal_copy *belay_journal_copy_open(
    belay_store *store, const char *target, const char *run_id, uint64_t size_bytes);
/* NULL is fine here and below. */
void belay_journal_copy_write(belay_journal_copy *copy, const char *text, size_t length, bool durable);
/* Where it lies; NULL: nowhere. */
const char *belay_journal_copy_path(const belay_journal_copy *copy);
/* `over`: the store has it all, and the copy is removed. */
void belay_journal_copy_close(belay_journal_copy *copy, bool over);

/* Brings to the store what it lacks of the target's journals, and removes copies of runs that have ended.
 * Only with the target's lock: a run at work writes to both itself. */
bool belay_journal_copies_catch_up(belay_store *store, const char *target, belay_error *err);

#endif
