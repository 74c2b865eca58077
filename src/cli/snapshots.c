#include "cli/snapshots.h"

#include <stdio.h>

bool belay_cli_find_snapshot(
    belay_cli *cli, const char *id, belay_store **ret_store, belay_snapshot_info *ret, belay_error *err)
{
    return belay_cli_store(cli, ret_store, err) &&
           belay_snapshot_find(*ret_store, cli->target_name, id, ret, err);
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

bool belay_cli_snapshot_is_known(const belay_snapshot_info *info)
{
    return !belay_equal(info->state, "encrypted") && !belay_equal(info->state, "damaged");
}

json_t *belay_cli_snapshot_json(const belay_snapshot_info *info)
{
    if (!belay_cli_snapshot_is_known(info))
        return json_pack("{s:s, s:s, s:s, s:s, s:n, s:s, s:s*, s:o, s:n, s:n, s:n, s:n}", "id", info->id,
            "path", info->path, "target", info->target, "created_at", info->created_at, "revisions", "state",
            info->state, "proven_at", info->proven_at, "bytes", number(info->bytes), "raw_bytes", "rows",
            "tables", "seconds");
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s*, s:o, s:o, s:o, s:o, s:f}", "id", info->id, "path",
        info->path, "target", info->target, "created_at", info->created_at, "revisions",
        belay_json_of_list(&info->revisions), "state", info->state, "proven_at", info->proven_at, "bytes",
        number(info->bytes), "raw_bytes", number(info->raw_bytes), "rows", number(info->rows), "tables",
        number(info->tables), "seconds", info->seconds);
}

void belay_cli_format_bytes(uint64_t bytes, char buffer[static BELAY_BYTES_SIZE])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 999.95 && unit + 1 < BELAY_COUNT(units); unit++)
        value /= 1000.0;
    snprintf(buffer, BELAY_BYTES_SIZE, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}
