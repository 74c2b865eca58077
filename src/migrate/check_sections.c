/* The `verify` sections of the revisions that a plan applied. */
#include "migrate/check_sql.h"
#include "migrate/native.h"

bool belay_native_verify(belay_engine *self, belay_pg *pg, const belay_plan *plan, belay_error *err)
{
    (void)self;
    for (size_t i = 0; i < plan->step_count; i++) {
        const belay_revision *revision = plan->steps[i].revision;
        if (!plan->steps[i].upgrade)
            continue;
        BELAY_AUTO(belay_free) char *what = belay_format("verify of %s", revision->id);
        if (!belay_check_sql(pg, revision->path, &revision->verify, what, err))
            return false;
    }
    return true;
}
