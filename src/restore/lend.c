#include "restore/lend.h"

#include "restore/marks.h"
#include "restore/restore.sql.h"
#include "restore/roles.h"
#include "util/json.h"

/* Adds who becomes the owner of what the entry makes, with its schema; "" for what is in none. */
static void add_owners(const belay_lend *lend, const belay_toc_entry *entry, json_t *ret)
{
    bool publication = belay_equal(entry->type, "PUBLICATION");
    if (entry->schema[0] == '\0' && !publication)
        return;
    BELAY_AUTO(belay_list_done) belay_list owners = {0};
    for (size_t i = 0; i < entry->statement_count; i++)
        belay_roles_collect_owners(entry->statements[i], &owners);
    for (size_t i = 0; i < owners.count; i++) {
        const char *owner =
            lend->role_map == NULL ? owners.items[i] : belay_roles_lookup(owners.items[i], lend->role_map);
        json_array_append_new(
            ret, json_pack("{s:s, s:s}", "schema", publication ? "" : entry->schema, "owner", owner));
    }
}

static bool lend_one(belay_lend *lend, const char *grant, const char *revoke, belay_error *err)
{
    belay_list_add(&lend->back, revoke);
    if (lend->run_id == NULL)
        return belay_pg_exec(lend->pg, grant, err);
    BELAY_AUTO(belay_free) char *key = belay_format("lent %zu", lend->back.count);
    BELAY_AUTO(belay_free) char *mark = belay_marks_insert(lend->run_id, false, key, revoke);
    return belay_pg_execf(lend->pg, err, "BEGIN; %s; %s; COMMIT", grant, mark);
}

bool belay_lend_to_owners(belay_lend *lend, const belay_toc_entry *entries, size_t count, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *owners = json_array();
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    for (size_t i = 0; i < count; i++)
        add_owners(lend, &entries[i], owners);
    BELAY_AUTO(belay_free) char *text = json_dumps(owners, JSON_COMPACT);
    if (!belay_pg_queryp(lend->pg, sql_missing_create, &rows, err, text))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++) {
        if (!lend_one(lend, belay_rows_text(rows, i, 0), belay_rows_text(rows, i, 1), err))
            return false;
    }
    return true;
}

bool belay_lend_take_back(belay_lend *lend, belay_error *err)
{
    for (size_t i = 0; i < lend->back.count; i++) {
        if (!belay_pg_exec(lend->pg, lend->back.items[i], err))
            return false;
    }
    belay_list_done(&lend->back);
    return true;
}

void belay_lend_done(belay_lend *lend)
{
    belay_list_done(&lend->back);
}
