/* Compares a database with a snapshot, for tests of the comparison.
 *
 *     restore_driver compare STORE TARGET ID DBNAME [exact]    the server is the environment's (PGHOST, ...)
 *
 * Prints "equal", or one difference a line; exit status 1 when the comparison could not be made. */
#include <stdio.h>

#include "restore/compare.h"
#include "snapshot/snapshot.h"
#include "store/local.h"

static bool compare(char **argv, bool exact, belay_error *err)
{
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    BELAY_AUTO(belay_snapshot_info_done) belay_snapshot_info info = {0};
    BELAY_AUTO(belay_compare_differences_done) belay_compare_differences differences = {0};
    belay_conninfo connection = {0};
    belay_direct_dialer dialer;
    const belay_compare_options how = {.dialer = &dialer.base,
        .dbname = argv[5],
        .run_id = "restore_driver",
        .jobs = 3,
        .exact_sequences = exact};
    belay_direct_dialer_init(&dialer, &connection);
    if (!belay_store_open_local(argv[2], &store, err) ||
        !belay_snapshot_find(store, argv[3], argv[4], &info, err) ||
        !belay_archive_open(store, info.name, &archive, err) ||
        !belay_compare_database(&how, archive, &differences, err))
        return false;
    for (size_t i = 0; i < differences.texts.count; i++)
        puts(differences.texts.items[i]);
    if (differences.count == 0)
        puts("equal");
    return true;
}

int main(int argc, char **argv)
{
    belay_error err = {0};
    if (argc < 6 || !belay_equal(argv[1], "compare")) {
        fputs("usage: restore_driver compare STORE TARGET ID DBNAME [exact]\n", stderr);
        return 2;
    }
    if (compare(argv, argc > 6, &err))
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return 1;
}
