/* What a killed snapshot leaves in the store: "<target>/<id>.tar.part" and the like. The next one of the same
 * target removes it, so that no disk fills up with them; `belay prune` does too. */
#include <ctype.h>

#include "snapshot/parts.h"
#include "snapshot/plan.sql.h"

/* "20251104T123400Z-3f2a9c" behind the folder, and ".part" at the end. The caller frees. */
static char *id_of_part(const char *name, const char *prefix)
{
    static const char form[] = "00000000T000000Z-xxxxxx.";
    const char *id = name + strlen(prefix);
    if (!belay_starts_with(name, prefix) || !belay_ends_with(name, ".part"))
        return NULL;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        unsigned char c = (unsigned char)id[i];
        if (!(form[i] == '0' ? isdigit(c) != 0 : form[i] == 'x' ? isxdigit(c) != 0 : c == form[i]))
            return NULL;
    }
    return belay_strndup(id, sizeof form - 2);
}

/* Even where the store cannot tell: a living snapshot has sessions in the database. They are called after its
 * id, or after the run that takes it, whose snapshot may be any. */
static bool may_live(const belay_taking *t, const char *id, bool *ret, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_queryp(t->pg, sql_taken_by_others, &rows, err, id, t->run_id))
        return false;
    *ret = belay_rows_bool(rows, 0, 0);
    return true;
}

static bool remove_left(
    belay_store *store, const char *target, const char *id, const char *name, belay_error *err)
{
    return belay_snapshot_remove_part(store, target, id, err) && store->remove(store, name, err);
}

bool belay_taking_sweep(belay_taking *t, belay_store *store, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing listing = {0};
    BELAY_AUTO(belay_free) char *prefix = belay_format("%s/", t->options->target->name);
    if (!store->list(store, prefix, &listing, err))
        return false;
    for (size_t i = 0; i < listing.count; i++) {
        const char *name = listing.items[i].name;
        BELAY_AUTO(belay_free) char *id = id_of_part(name, prefix);
        bool living = true;
        if (id == NULL || store->is_held(store, name))
            continue;
        if (!may_live(t, id, &living, err) ||
            (!living && !remove_left(store, t->options->target->name, id, name, err)))
            return false;
        if (!living)
            belay_say(t->options->reporter, BELAY_NOTICE,
                "removed %s, which a snapshot that was killed left behind", name);
    }
    return true;
}
