/* What the verbs about snapshots share: finding the one that a word names, and how it is shown. */
#ifndef BELAY_CLI_SNAPSHOTS_H
#define BELAY_CLI_SNAPSHOTS_H

#include "cli/commands.h"
#include "snapshot/snapshot.h"

/* The store of the target, and the snapshot that `id` (or a unique prefix) names: in the target's folder when
 * -t was given, else in that of any target. Fills what the caller frees. */
bool belay_cli_find_snapshot(
    belay_cli *cli, const char *id, belay_store **ret_store, belay_snapshot_info *ret, belay_error *err);
/* Whether its content is: not that of a damaged one, nor of one whose key is not here. */
bool belay_cli_snapshot_is_known(const belay_snapshot_info *info);
/* As CONTRACT.md says for `snapshot`; new reference. */
json_t *belay_cli_snapshot_json(const belay_snapshot_info *info);
/* `belay snapshots show`; returns the exit status. */
int belay_cli_show_snapshot(belay_cli *cli, const char *id);
enum { BELAY_BYTES_SIZE = 24 };
/* "12.3 MB"; powers of 1000. */
void belay_cli_format_bytes(uint64_t bytes, char buffer[static BELAY_BYTES_SIZE]);

#endif
