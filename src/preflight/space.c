/* Pre-flight: room for the snapshot and for the copies on the server, and what this machine has to have: the
 * pg_dump that writes the DDL, and libraries. */
#include <inttypes.h>
#include <sys/statvfs.h>

#include "archive/archive.h"
#include "preflight/checks.h"
#include "preflight/preflight.sql.h"
#include "snapshot/dump.h"
#include "verify/health.h"

bool belay_preflight_wants_twin(const belay_preflight *context)
{
    return context->target->gate == BELAY_GATE_RENAME &&
           (context->target->way_back & BELAY_WAY_BACK_TWIN) != 0;
}

bool belay_preflight_wants_snapshot(const belay_preflight *context)
{
    return context->store != NULL && (context->target->snapshot || !belay_preflight_wants_twin(context));
}

void belay_check_pg_dump(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    BELAY_AUTO(belay_dump_programs_done) belay_dump_programs programs = {0};
    if (belay_preflight_wants_snapshot(context) &&
        !belay_dump_find(belay_pg_server_version(context->pg), &programs, &err))
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
}

/* Those that are loaded only when they are used: health_url is asked when all is done, too late to find out.
 */
void belay_check_libraries(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    if (belay_preflight_wants_snapshot(context) && !belay_archive_can_write(&err))
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
    if (!belay_health_can_ask(context->target, &err))
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
}

void belay_check_store_space(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *text = NULL;
    uint64_t free_bytes = UINT64_MAX;
    long long data_bytes = 0;
    if (!belay_preflight_wants_snapshot(context))
        return;
    if (!belay_pg_value(context->pg, sql_data_bytes, NULL, 0, &text, &err) ||
        !context->store->free_space(context->store, &free_bytes, &err)) {
        /* Sizes want a lock on each table; that one is locked for a moment says nothing about space. */
        belay_check_report_add_error(
            report, name, err.code == BELAY_E_LOCK_TIMEOUT ? BELAY_WARNING : BELAY_REFUSE, &err);
        return;
    }
    if (text == NULL || !belay_parse_int64(text, &data_bytes) || free_bytes >= (uint64_t)data_bytes)
        return;
    BELAY_AUTO(belay_free)
    char *message =
        belay_format("the store %s has %" PRIu64 " MB free, the tables hold %lld MB: a snapshot may not fit",
            context->store->url, free_bytes >> 20, data_bytes >> 20);
    /* Compression usually saves much more than half. */
    bool hopeless = free_bytes < (uint64_t)data_bytes / 4;
    belay_check_report_add(
        report, name, hopeless ? BELAY_REFUSE : BELAY_WARNING, message, "free space there, or `belay prune`");
}

/* Free bytes where the server keeps the database; false, and nothing said, where that cannot be seen from
 * here: another machine, or a folder that this process may not reach. */
static bool server_free(const belay_preflight *context, const char *folder, uint64_t *ret_bytes)
{
    struct statvfs fs;
    bool here = belay_pg_address(context->pg)[0] == '/';
    if (!here || folder[0] != '/' || statvfs(folder, &fs) != 0)
        return false;
    *ret_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return true;
}

/* The declared space bounds what is seen too: a quota is no property of the file system. */
static bool known_or_declared(
    const belay_preflight *context, const char *folder, uint64_t *ret_bytes, char **ret_where)
{
    uint64_t declared_bytes = context->server_space_bytes;
    bool known = server_free(context, folder, ret_bytes);
    if (declared_bytes != 0 && (!known || declared_bytes < *ret_bytes)) {
        *ret_bytes = declared_bytes;
        *ret_where = belay_strdup("as --server-space declares");
        return true;
    }
    *ret_where = belay_format("in %s", folder);
    return known;
}

/* What one copy of the database takes: as much as the present one, or as the snapshot's rows. */
static uint64_t copy_bytes(const belay_preflight *context, const belay_rows *rows)
{
    return context->kind == BELAY_PREFLIGHT_RESTORE ? context->restored_bytes
                                                    : (uint64_t)belay_rows_int(rows, 0, 1);
}

/* One copy is the twin, or the restored database; with a twin a restore from the snapshot is a second. */
static uint64_t copy_count(const belay_preflight *context)
{
    bool both = belay_preflight_wants_twin(context) && belay_preflight_wants_snapshot(context);
    return context->kind == BELAY_PREFLIGHT_DEPLOY && both ? 2 : 1;
}

static void judge_server_space(const belay_preflight *context, belay_check_report *report, const char *name,
    uint64_t free_bytes, const char *where, const belay_rows *rows)
{
    uint64_t size_bytes = copy_bytes(context, rows);
    uint64_t wal_bytes = (uint64_t)belay_rows_int(rows, 0, 2);
    uint64_t copies = copy_count(context);
    uint64_t wanted_bytes = copies * size_bytes + wal_bytes;
    bool enough = free_bytes >= wanted_bytes;
    BELAY_AUTO(belay_free)
    char *message = belay_format("the server has %" PRIu64 " MB free %s; %" PRIu64
                                 " MB for copies and %" PRIu64 " MB for WAL may be needed",
        free_bytes >> 20, where, (copies * size_bytes) >> 20, wal_bytes >> 20);
    belay_check_report_add(report, name,
        enough                    ? BELAY_OK
        : free_bytes < size_bytes ? BELAY_REFUSE
                                  : BELAY_WARNING,
        message, enough ? NULL : "free space on the server: a full disk stops it for everybody");
}

void belay_check_server_space(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_free) char *where = NULL;
    uint64_t free_bytes = 0;
    if (!belay_pg_query0(context->pg, sql_server_place, &rows, &err)) {
        belay_check_report_add_error(report, name, BELAY_WARNING, &err);
        return;
    }
    if (known_or_declared(context, belay_rows_text(rows, 0, 0), &free_bytes, &where)) {
        judge_server_space(context, report, name, free_bytes, where, rows);
        return;
    }
    BELAY_AUTO(belay_free)
    char *message = belay_format(
        "unknown: the server's disk cannot be seen from here; copies take up to %" PRIu64 " MB, WAL %lld MB",
        (copy_bytes(context, rows) >> 20) * copy_count(context),
        (long long)(belay_rows_int(rows, 0, 2) >> 20));
    belay_check_report_add(report, name, BELAY_WARNING, message,
        "look at the server, and declare what is free there: --server-space=SIZE");
}
