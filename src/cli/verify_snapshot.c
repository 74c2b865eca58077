#include "cli/verify.h"

#include "archive/archive.h"
#include "cli/snapshots.h"
#include "util/clock.h"

static json_t *answer(const belay_snapshot_info *info, double seconds, const belay_error *err)
{
    bool ok = err->code == BELAY_E_NONE;
    json_t *check = json_pack("{s:s, s:s, s:s, s:s}", "name", "snapshot", "verdict", ok ? "ok" : "refuse",
        "message", ok ? "every byte was read and checked" : err->message, "hint", err->hint);
    json_t *json =
        json_pack("{s:s, s:[o], s:f}", "verdict", ok ? "ok" : "refuse", "checks", check, "seconds", seconds);
    if (info->id != NULL)
        json_object_set_new(json, "snapshot", belay_cli_snapshot_json(info));
    return json;
}

int belay_cli_verify_snapshot(belay_cli *cli, const char *id)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_snapshot_info_done) belay_snapshot_info info = {0};
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    int64_t started_ms = belay_now_ms();
    bool ok = belay_cli_find_snapshot(cli, id, &store, &info, &err) &&
              belay_archive_open(store, info.name, &archive, &err) &&
              belay_archive_verify(archive, 0, cli->reporter, &err);
    double seconds = (double)(belay_now_ms() - started_ms) / 1000.0;
    if (ok) {
        char raw[BELAY_BYTES_SIZE];
        belay_cli_format_bytes(info.raw_bytes, raw);
        belay_cli_print(cli, "snapshot %s is whole: %zu members, %llu rows, %s raw, read in %.2f s", info.id,
            belay_archive_manifest(archive)->member_count, (unsigned long long)info.rows, raw, seconds);
    }
    int status = belay_cli_finish(cli, ok, answer(&info, seconds, &err), &err);
    return err.code == BELAY_E_ARCHIVE || err.code == BELAY_E_SIGNATURE
               ? BELAY_EXIT_NO
               : status; /* it was read, and the answer is no */
}
