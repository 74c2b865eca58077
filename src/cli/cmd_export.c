#include <errno.h>
#include <stdio.h>

#include "cli/snapshots.h"
#include "restore/export.h"

static bool to_stdout(void *context, const void *data, size_t size_bytes, belay_error *err)
{
    (void)context;
    if (fwrite(data, 1, size_bytes, stdout) == size_bytes)
        return true;
    return belay_fail_errno(err, errno, "cannot write the script to stdout");
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_snapshot_info_done) belay_snapshot_info info = {0};
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    bool ok = !cli->json ||
              belay_fail(&err, BELAY_E_USAGE, "the answer of export is SQL: there is no --json of it");
    ok = ok && belay_cli_find_snapshot(cli, cli->words.items[0], &store, &info, &err) &&
         belay_archive_open(store, info.name, &archive, &err) && belay_export(archive, to_stdout, NULL, &err);
    if (ok && fflush(stdout) != 0)
        ok = belay_fail_errno(&err, errno, "cannot write the script to stdout");
    return belay_cli_finish(cli, ok, NULL, &err);
}

const belay_command belay_cmd_export = {
    .name = "export",
    .group = "Snapshots",
    .usage = "export [options] ID > script.sql",
    .summary = "write a snapshot as one SQL script for psql",
    .details = "For an empty database: createdb, then psql -X -v ON_ERROR_STOP=1 -f script.sql. Needs no "
               "server, and\n"
               "therefore refuses (exit 3) snapshots with tables in COPY's binary format, and says what to "
               "do instead.\n"
               "A unique prefix of the ID suffices.",
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
