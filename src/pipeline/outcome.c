#include "pipeline/outcome.h"

static const struct {
    const char *name;
    int exit_status;
} outcomes[] = {
#define X(symbol, name, status) {name, status},
    BELAY_OUTCOME_TABLE(X)
#undef X
};

const char *belay_outcome_name(belay_outcome outcome)
{
    return outcomes[outcome].name;
}

int belay_outcome_exit(belay_outcome outcome)
{
    return outcomes[outcome].exit_status;
}
