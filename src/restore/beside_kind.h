/* What belongs to a table, by the TOC's types. Internal to src/restore; see restore/beside.h. Any thread. */
#ifndef BELAY_RESTORE_BESIDE_KIND_H
#define BELAY_RESTORE_BESIDE_KIND_H

#include "restore/toc.h"

typedef struct belay_beside_kind {
    const char *type;
    bool made;           /* else it is left out, and named */
    bool needed;         /* the tables are worth nothing without it */
    bool all;            /* made only when everything that it names is chosen */
    bool relations_only; /* no type stands in it: a name is that of a relation */
} belay_beside_kind;

/* NULL for what does not belong to a table. */
const belay_beside_kind *belay_beside_kind_of(const belay_toc_entry *entry);

#endif
