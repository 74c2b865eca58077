/* How a run can end, with the exit status of each: one table. */
#ifndef BELAY_PIPELINE_OUTCOME_H
#define BELAY_PIPELINE_OUTCOME_H

#include "util/error.h"

/* X(symbol, name in JSON and journal, exit status) */
#define BELAY_OUTCOME_TABLE(X)                                                                               \
    X(SUCCEEDED, "succeeded", BELAY_EXIT_OK)                                                                 \
    X(UNTOUCHED, "untouched", BELAY_EXIT_FAILED)                                                             \
    X(RESTORED, "restored", BELAY_EXIT_RESTORED)                                                             \
    X(DOWNGRADED, "downgraded", BELAY_EXIT_RESTORED)                                                         \
    X(STOPPED, "stopped", BELAY_EXIT_ATTENTION)                                                              \
    X(REFUSED, "refused", BELAY_EXIT_REFUSED)                                                                \
    X(NEEDS_RECOVERY, "needs_recovery", BELAY_EXIT_ATTENTION)

typedef enum belay_outcome {
#define X(symbol, name, status) BELAY_OUTCOME_##symbol,
    BELAY_OUTCOME_TABLE(X)
#undef X
} belay_outcome;

const char *belay_outcome_name(belay_outcome outcome);
int belay_outcome_exit(belay_outcome outcome);

#endif
