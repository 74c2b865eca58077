/* What the verbs about revisions share: loading the files without a database, and Alembic's way to show one.
 */
#ifndef BELAY_CLI_REVISIONS_H
#define BELAY_CLI_REVISIONS_H

#include "cli/commands.h"
#include "revision/revision.h"

/* The configured migrations folder; no target is resolved, no database asked. */
bool belay_cli_graph(belay_cli *cli, belay_graph **ret, belay_error *err);
/* The version rows of the target's database. */
bool belay_cli_rows(belay_cli *cli, belay_list *ret, belay_error *err);
/* For --json: the applied revisions when the database answers; else false and a warning. */
bool belay_cli_try_applied(belay_cli *cli, const belay_graph *graph, belay_list *ret);

typedef struct belay_revision_view {
    bool parents, labels, doc, tree; /* parts of the line, as in Alembic's commands */
    const belay_list *current;       /* rows to mark, may be NULL */
} belay_revision_view;
/* "9b1c22d07a51 -> 3f2a9c1b7d10 (head), Add project_code"; the caller frees. */
char *belay_revision_line(const belay_revision *revision, const belay_revision_view *view);
/* Prints that line, or with --verbose a paragraph. */
void belay_cli_print_revision(
    const belay_cli *cli, const belay_revision *revision, const belay_revision_view *view);
/* One element of "revisions"; applied NULL: unknown. */
json_t *belay_revision_json(const belay_revision *revision, const belay_list *applied);

#endif
