/* The tables of the half-made database, as its catalogue has them: what an entry or the manifest names.
 *
 * A family is what inheritance and partitioning tie together: a statement on one of its members may lock
 * others. Read once after the schema section; read-only then, any thread.
 */
#ifndef BELAY_RESTORE_RELATIONS_H
#define BELAY_RESTORE_RELATIONS_H

#include "pg/pg.h"

typedef struct belay_relation {
    char *schema, *name;
    uint32_t oid;
    char kind; /* pg_class.relkind */
    bool unlogged;
    bool heap;
    bool is_partition;
    bool of_extension;
    int reference_steps; /* the longest way along foreign keys that were there when it was read */
    size_t family;       /* the number of one of its members: the top of it */
    bool has_foreign;    /* of a top: a member is a foreign table */
    long parent;         /* of a partition: the number of the table that it is one of */
} belay_relation;

typedef struct belay_relations {
    belay_relation *items; /* sorted by schema and name */
    size_t count;
} belay_relations;

enum { BELAY_NO_RELATION = -1 };

bool belay_relations_read(belay_pg *pg, belay_relations *ret, belay_error *err);
/* The number, or BELAY_NO_RELATION. */
long belay_relations_find(const belay_relations *relations, const char *schema, const char *name);
/* Is it a partition of `top`, or one of such a partition? */
bool belay_relations_is_below(const belay_relations *relations, long number, long top);
void belay_relations_done(belay_relations *relations);
static inline void belay_relations_done_p(belay_relations *relations)
{
    belay_relations_done(relations);
}

#endif
