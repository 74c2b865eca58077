/* A store in a folder of its own under /tmp, for all tests of one file.
 *
 *     cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
 */
#ifndef BELAY_TESTS_SCRATCH_STORE_H
#define BELAY_TESTS_SCRATCH_STORE_H

#include <stdlib.h>

#include "store/store.h"
#include "util/file.h"

static char folder[] = "/tmp/belay-store-XXXXXX";
static belay_store *store;

static inline int scratch_set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || !belay_store_open(folder, NULL, &store, NULL);
}

static inline int scratch_tear_down(void **state)
{
    (void)state;
    belay_store_free(store);
    return !belay_remove_tree(folder, NULL);
}

#endif
