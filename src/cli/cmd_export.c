#include <errno.h>
#include <stdio.h>

#include "cli/snapshots.h"
#include "gate/gate.h"
#include "rehearse/private_server.h"
#include "restore/export.h"
#include "util/clock.h"

static struct {
    bool cluster;
} o;

static const belay_option options[] = {
    {"cluster", 0, NULL, "use a private server on this machine, not a scratch database on the target's",
        BELAY_OPT_FLAG, &o.cluster},
    BELAY_OPT_END};

static bool to_stdout(void *context, const void *data, size_t size_bytes, belay_error *err)
{
    (void)context;
    if (fwrite(data, 1, size_bytes, stdout) == size_bytes)
        return true;
    return belay_fail_errno(err, errno, "cannot write the script to stdout");
}

/* Where binary rows become text: the target's server, or a private one. */
typedef struct place {
    belay_private_server *server; /* NULL: the target's */
    belay_pg *maintenance;
    char run_id[BELAY_RUN_ID_SIZE];
    char scratch[BELAY_DBNAME_SIZE];
} place;

static void place_done_p(place *p)
{
    belay_pg_close(p->maintenance);
    belay_private_server_stop(p->server);
}

static bool start_private(belay_cli *cli, const belay_archive *archive, place *p, belay_error *err)
{
    const char *user = belay_conninfo_get(&cli->target.connection, "user");
    int major = belay_archive_manifest(archive)->server_version / 10000;
    return belay_private_server_start(
        major, user == NULL ? "postgres" : user, cli->reporter, &p->server, err);
}

static bool open_place(
    belay_cli *cli, const belay_archive *archive, place *p, belay_restore_options *ret, belay_error *err)
{
    if (o.cluster && !start_private(cli, archive, p, err))
        return false;
    belay_new_run_id(p->run_id);
    belay_gate_name(belay_target_dbname(&cli->target), "scratch", p->run_id, p->scratch);
    *ret = (belay_restore_options){.dialer = o.cluster ? belay_private_server_dialer(p->server) : cli->dialer,
        .dbname = p->scratch,
        .run_id = p->run_id,
        .target = &cli->target,
        .create_roles = o.cluster,
        .reporter = cli->reporter};
    const belay_pg_options how = {.dbname = o.cluster ? "postgres" : cli->target.maintenance_db,
        .application_name = p->run_id,
        .profile = BELAY_PG_PINNED};
    if (!belay_pg_open(ret->dialer, &how, &p->maintenance, err)) {
        if (!o.cluster)
            belay_error_hint(err, "tables in binary format need a server: the target's, or with --cluster a "
                                  "private one on this machine");
        return false;
    }
    ret->maintenance = p->maintenance;
    return true;
}

static bool export(belay_cli *cli, belay_archive *archive, belay_error *err)
{
    BELAY_AUTO(place_done) place where = {0};
    belay_restore_options server = {0};
    if (!belay_export_needs_server(archive))
        return belay_export(archive, NULL, to_stdout, NULL, err);
    return open_place(cli, archive, &where, &server, err) &&
           belay_export(archive, &server, to_stdout, NULL, err);
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
         belay_archive_open(store, info.name, &archive, &err) && export(cli, archive, &err);
    if (ok && fflush(stdout) != 0)
        ok = belay_fail_errno(&err, errno, "cannot write the script to stdout");
    return belay_cli_finish(cli, ok, NULL, &err);
}

const belay_command belay_cmd_export = {
    .name = "export",
    .group = "Snapshots",
    .usage = "export [options] ID > script.sql",
    .summary = "write a snapshot as one SQL script for psql",
    .details =
        "For an empty database: createdb, then psql -X -v ON_ERROR_STOP=1 -f script.sql. Rows in COPY's\n"
        "binary format become text in a scratch database on the target's server, or with --cluster on a\n"
        "private one; a snapshot without such rows needs no server. The last line of a whole script is\n"
        "\"-- end of snapshot ID\". A unique prefix of the ID suffices.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
