#include "pipeline/loss.h"

#include "pipeline/loss.sql.h"

bool belay_loss_read(belay_run *run, json_t **ret, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_run_connect(run, belay_run_dbname(run), BELAY_PG_PINNED, &pg, err) ||
        !belay_pg_query0(pg, sql_loss_counters, &rows, err))
        return false;
    json_t *counters = json_object();
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        json_object_set_new(counters, belay_rows_text(rows, i, 0),
            json_pack("{s:I, s:I, s:I, s:s}", "ins", (json_int_t)belay_rows_int(rows, i, 1), "upd",
                (json_int_t)belay_rows_int(rows, i, 2), "del", (json_int_t)belay_rows_int(rows, i, 3),
                "reset", belay_rows_text(rows, i, 4)));
    json_decref(*ret);
    *ret = counters;
    return true;
}

static json_int_t grown(const json_t *before, const json_t *after, const char *key)
{
    return json_integer_value(json_object_get(after, key)) - json_integer_value(json_object_get(before, key));
}

/* One line a table that changed; the number of such tables. */
static size_t say_loss(belay_run *run, const json_t *before, const json_t *after)
{
    size_t changed = 0;
    const char *table;
    json_t *now;
    json_object_foreach((json_t *)(uintptr_t)after, table, now)
    {
        const json_t *then = json_object_get(before, table);
        json_int_t ins = grown(then, now, "ins");
        json_int_t upd = grown(then, now, "upd");
        json_int_t del = grown(then, now, "del");
        const char *reset_then = belay_json_text(then, "reset");
        bool reset = reset_then != NULL && !belay_equal(reset_then, belay_json_text(now, "reset"));
        if (!reset && ins == 0 && upd == 0 && del == 0)
            continue;
        changed++;
        if (reset || ins < 0 || upd < 0 || del < 0)
            belay_say(run->how.reporter, BELAY_WARN, "  %s: unknown, the statistics were reset", table);
        else
            belay_say(run->how.reporter, BELAY_WARN,
                "  %s: at least %lld inserted, %lld updated, %lld deleted", table, (long long)ins,
                (long long)upd, (long long)del);
    }
    json_object_foreach((json_t *)(uintptr_t)before, table, now)
    {
        if (json_object_get(after, table) != NULL)
            continue;
        changed++;
        belay_say(run->how.reporter, BELAY_WARN, "  %s: unknown, the table is not there any more", table);
    }
    return changed;
}

bool belay_loss_accept(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *after = NULL;
    belay_error unread = {0};
    if (!belay_loss_read(run, &after, &unread))
        belay_say(run->how.reporter, BELAY_WARN, "what a restore would lose is unknown: %s", unread.message);
    else if (run->loss_before == NULL)
        belay_say(run->how.reporter, BELAY_WARN,
            "what a restore would lose is unknown: the counters of before are lost");
    else {
        belay_say(run->how.reporter, BELAY_WARN, "the gate %s:",
            run->how.target->gate == BELAY_GATE_RENAME
                ? "is open again; a restore loses what was written since"
                : "was open; a restore loses what was written since the run began, its own rows included");
        if (say_loss(run, run->loss_before, after) == 0)
            belay_say(run->how.reporter, BELAY_WARN, "  nothing that the statistics know of");
    }
    if (run->how.accept_loss || run->how.target->accept_loss)
        return true;
    if (run->how.confirm != NULL &&
        run->how.confirm(run->how.confirm_context, "Restore and lose that? Type yes:", "yes"))
        return true;
    belay_fail(
        err, BELAY_E_POLICY, "nobody accepted the loss that a restore would cause, so nothing was restored");
    return belay_error_hint(err,
        "type `belay recover --target %s --accept-loss` to restore, or `belay recover --target %s --keep` to "
        "keep what was migrated",
        run->how.target->name, run->how.target->name);
}
