#include "store/store.h"

bool belay_store_open(const char *url, belay_store **ret, belay_error *err)
{
    (void)ret;
    return belay_fail(err, BELAY_E_UNSUPPORTED, "no store can be opened yet: %s", url);
}
