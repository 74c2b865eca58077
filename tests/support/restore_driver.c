/* Compares a database with a snapshot, or reads a table back, for tests of the comparison. The server is the
 * environment's (PGHOST, ...).
 *
 *     restore_driver compare STORE TARGET ID DBNAME [exact]    prints "equal", or one difference a line
 *     restore_driver halves DBNAME TABLE OID                   reads the table's first half, prints its rows,
 *                                                              waits for a line, and reads the other likewise
 *
 * Exit status 1 when that could not be done. */
#include <stdio.h>

#include "restore/compare.h"
#include "restore/readback.h"
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

static bool read_half(belay_pg *pg, belay_readback_part *part, belay_error *err)
{
    const belay_row_reader reader = {.pg = pg, .begin = "BEGIN READ ONLY;", .path = ""};
    BELAY_AUTO(belay_free) char *missing = NULL;
    belay_readback got = {0};
    if (!belay_readback_read(&reader, part, &got, &missing, err))
        return false;
    if (missing != NULL)
        return belay_fail(err, BELAY_E_NOT_FOUND, "%s", missing);
    printf("%llu\n", (unsigned long long)got.sum.rows);
    fflush(stdout);
    part->part++;
    return true;
}

static bool read_halves(char **argv, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_free) char *select = belay_format("SELECT * FROM ONLY %s", argv[3]);
    belay_conninfo connection = {0};
    belay_direct_dialer dialer;
    belay_readback_pages pages = {0};
    const belay_pg_options how = {.dbname = argv[2], .profile = BELAY_PG_DATA};
    belay_readback_part part = {.select = select,
        .format = "text",
        .oid = (uint32_t)strtoul(argv[4], NULL, 10),
        .parts = 2,
        .pages = &pages};
    belay_direct_dialer_init(&dialer, &connection);
    if (!belay_pg_open(&dialer.base, &how, &pg, err) || !read_half(pg, &part, err))
        return false;
    getchar();
    return read_half(pg, &part, err);
}

int main(int argc, char **argv)
{
    belay_error err = {0};
    bool halves = argc == 5 && belay_equal(argv[1], "halves");
    if (!halves && (argc < 6 || !belay_equal(argv[1], "compare"))) {
        fputs("usage: restore_driver compare STORE TARGET ID DBNAME [exact]\n"
              "       restore_driver halves DBNAME TABLE OID\n",
            stderr);
        return 2;
    }
    if (halves ? read_halves(argv, &err) : compare(argv, argc > 6, &err))
        return 0;
    fprintf(stderr, "%s\n", err.message);
    return 1;
}
