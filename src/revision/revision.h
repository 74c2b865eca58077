/* Migration files and their graph. CONTRACT.md describes the file format, DESIGN.md the vocabulary; the
 * semantics of identifiers, branches, labels, depends_on and merges are Alembic's (1.13 and later).
 *
 *     belay_graph_load(folder, &graph, err)                     read every *.sql of the folder
 *     belay_graph_plan_upgrade(graph, heads, "head", &plan, err)  what has to run
 *
 * A graph is read-only after loading, owns all of its memory, and may be used by several threads. Loading one
 * takes a second thread when there are many files. Errors of files are BELAY_E_MIGRATION_FILE with file and
 * line.
 */
#ifndef BELAY_REVISION_REVISION_H
#define BELAY_REVISION_REVISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/hash.h"
#include "util/mem.h"
#include "util/str.h"

enum { BELAY_REVISION_ID_MAX = 32 };

typedef struct belay_section {
    bool present;
    uint64_t offset; /* of its first byte behind the marker's line */
    uint64_t length; /* bytes */
    long line;       /* 1-based line of its first byte */
} belay_section;

typedef struct belay_revision belay_revision;
struct belay_revision {
    const char *id;
    const char *message;               /* first line of the header comment */
    const char *path;                  /* absolute */
    const char *create_date;           /* as written, may be "" */
    const belay_revision *const *down; /* parents in the order of the file */
    size_t down_count;
    const belay_revision *const *depends; /* depends_on, resolved to revisions */
    size_t depends_count;
    /* Labels that hold for it, inherited along its branch, as Alembic's "all". */
    const char *const *branch_labels;
    size_t branch_label_count;
    const belay_revision *const *next; /* children by Revises */
    size_t next_count;
    bool transaction; /* "Transaction: no" makes it false */
    bool is_head, is_base, is_merge, is_branch_point;
    bool is_real_head; /* a head on which nothing depends either; a head without it is an "effective head" */
    belay_section upgrade, downgrade, verify;
};

typedef struct belay_graph belay_graph;
/* A missing folder is BELAY_E_NOT_FOUND; an empty one is an empty graph. */
bool belay_graph_load(const char *folder, belay_graph **ret, belay_error *err);
void belay_graph_free(belay_graph *graph);
BELAY_DEFINE_AUTO(belay_graph, belay_graph_free)

size_t belay_graph_count(const belay_graph *graph);
/* All revisions, heads first, in Alembic's order of `history`. */
const belay_revision *const *belay_graph_history(const belay_graph *graph);
/* Exact identifier; NULL when there is none. */
const belay_revision *belay_graph_find(const belay_graph *graph, const char *id);
void belay_graph_heads(const belay_graph *graph, belay_list *ret_ids);

/* The heads that version rows can hold: those on which nothing depends. */
void belay_graph_real_heads(const belay_graph *graph, belay_list *ret_ids);
/* What a range of `history` shows, children first: from lower to upper, both included and on lines of descent
 * that join them; `heads` as below. lower "base" or "" and upper "heads" or "" leave that end open. */
typedef struct belay_revisions {
    const belay_revision **items;
    size_t count, capacity;
} belay_revisions;
bool belay_graph_range(const belay_graph *graph, const char *lower, const char *upper,
    const belay_list *heads, belay_revisions *ret, belay_error *err);
void belay_revisions_done(belay_revisions *list);
static inline void belay_revisions_done_p(belay_revisions *list)
{
    belay_revisions_done(list);
}

/* Alembic's identifier grammar: head, heads, base, +1, -1, rev+2, label@head, label@, unique prefixes,
 * current. `heads` are the version rows of the database (needed by relative forms and `current`), may be
 * NULL. ret gets revision ids; "base" gives none. */
bool belay_graph_resolve(const belay_graph *graph, const char *identifier, const belay_list *heads,
    belay_list *ret, belay_error *err);

typedef struct belay_step {
    const belay_revision *revision;
    bool upgrade; /* else downgrade */
    /* How the version rows change in this step's transaction, as Alembic's HeadMaintainer does it. */
    const char *const *remove;
    size_t remove_count;
    const char *const *add;
    size_t add_count;
} belay_step;

typedef struct belay_plan {
    belay_arena *arena; /* owns everything below */
    belay_step *steps;
    size_t step_count;
    const char **from; /* version rows before, sorted */
    size_t from_count;
    const char **to; /* and after */
    size_t to_count;
} belay_plan;

bool belay_graph_plan_upgrade(
    const belay_graph *graph, const belay_list *heads, const char *target, belay_plan *ret, belay_error *err);
bool belay_graph_plan_downgrade(
    const belay_graph *graph, const belay_list *heads, const char *target, belay_plan *ret, belay_error *err);
/* Version rows after `stamp target`; steps stay empty. purge: forget the present rows first. */
bool belay_graph_plan_stamp(const belay_graph *graph, const belay_list *heads, const belay_list *targets,
    bool purge, belay_plan *ret, belay_error *err);
void belay_plan_done(belay_plan *plan);
static inline void belay_plan_done_p(belay_plan *plan)
{
    belay_plan_done(plan);
}

/* "upgrade a1 -> a2, Message", as Alembic words it. The caller frees. */
char *belay_step_text(const belay_step *step);

/* Every revision below (and with) the given heads, by Revises and Depends On. ret: ids. */
bool belay_graph_applied(
    const belay_graph *graph, const belay_list *heads, belay_list *ret, belay_error *err);
/* True when every id of `ids` is a revision of the files; else err says which is not, the last known one
 * among the rest, and that the checkout is probably older than the database (BELAY_E_DATABASE_AHEAD). */
bool belay_graph_check_known(const belay_graph *graph, const belay_list *ids, belay_error *err);

/* A new migration file. */
typedef struct belay_new_revision {
    const char *folder;
    const char *message; /* NULL: "empty message" */
    const char *id;      /* NULL: 12 random hex digits */
    belay_list parents;  /* identifiers; none: "head" */
    bool splice;         /* parents need not be heads */
    bool merge;          /* the sections stay empty */
    belay_list labels, depends_on;
} belay_new_revision;
/* Writes the file from the template and reads the folder again to see that it fits; *ret_path: free it.
 * Alembic's refusals (several heads, not a head) are BELAY_E_MULTIPLE_HEADS and BELAY_E_USAGE; nothing stays
 * on failure. */
bool belay_revision_create(
    const belay_graph *graph, const belay_new_revision *wanted, char **ret_path, belay_error *err);

/* SHA-256 of a section with CRLF read as LF and without BOM; streams the file. */
bool belay_section_hash(const belay_revision *revision, const belay_section *section,
    char hex[static BELAY_SHA256_HEX_SIZE], belay_error *err);
/* The same of a whole migration file. */
bool belay_migration_file_hash(const char *path, char hex[static BELAY_SHA256_HEX_SIZE], belay_error *err);

#endif
