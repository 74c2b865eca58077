#include <limits.h>

#include "cli/runs.h"
#include "cli/snapshots.h"
#include "pipeline/prune.h"

enum { UNSET = INT_MIN };
static const int64_t day_ms = 86400000;

static struct {
    long long keep, days;
    bool databases, dry_run, yes;
} o = {.keep = UNSET, .days = UNSET};

static const belay_option options[] = {
    {"keep", 0, "N", "newest snapshots to keep (default: the key keep_last)", BELAY_OPT_INT, &o.keep},
    {"databases", 0, NULL, "drop kept failed databases, left twins and scratch copies too", BELAY_OPT_FLAG,
        &o.databases},
    {"days", 0, "N", "with --databases: only those at least so old (default: the key keep_databases_for)",
        BELAY_OPT_INT, &o.days},
    {"dry-run", 'n', NULL, "show what stays, by which rule, and what would go; remove nothing",
        BELAY_OPT_FLAG, &o.dry_run},
    {"yes", 'y', NULL, "do not ask", BELAY_OPT_FLAG, &o.yes}, BELAY_OPT_END};

static void print_snapshots(const belay_cli *cli, const belay_prune *plan)
{
    for (size_t i = 0; i < plan->snapshot_count; i++) {
        const belay_prune_snapshot *one = &plan->snapshots[i];
        BELAY_AUTO(belay_free) char *id = belay_printable(one->id, "");
        BELAY_AUTO(belay_free) char *rules = belay_list_join(&one->rules, ", ");
        belay_cli_print(cli, "%-25s %s%s", id, one->rules.count > 0 ? "stays " : "goes", rules);
    }
}

static void print_plan(const belay_cli *cli, const belay_prune *plan)
{
    if (o.dry_run)
        print_snapshots(cli, plan);
    for (size_t i = 0; i < plan->count; i++) {
        const belay_prune_item *one = &plan->items[i];
        char bytes[BELAY_BYTES_SIZE];
        belay_cli_format_bytes(one->bytes, bytes);
        BELAY_AUTO(belay_free) char *name = belay_printable(one->name, "");
        belay_cli_print(cli, "%-9s %-50s %10s  %s", one->kind, name,
            one->bytes == 0 && belay_equal(one->kind, "database") ? "?" : bytes, one->why);
    }
    belay_cli_print(cli, "%zu to remove; %zu snapshot%s stay%s", plan->count, plan->kept,
        plan->kept == 1 ? "" : "s", plan->kept == 1 ? "s" : "");
    if (plan->young > 0)
        belay_say(cli->reporter, BELAY_INFO, "%zu database%s not old enough (keep_databases_for, --days)",
            plan->young, plan->young == 1 ? " is" : "s are");
}

static bool agreed(const belay_run_options *run, belay_error *err)
{
    if (o.yes ||
        (run->confirm != NULL && run->confirm(run->confirm_context, "Remove these? Type yes:", "yes")))
        return true;
    belay_fail(err, BELAY_E_POLICY, "nobody agreed to remove these: nothing was removed");
    return belay_error_hint(err, "say --yes, or look with --dry-run");
}

static json_t *snapshots_json(const belay_prune *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->snapshot_count; i++) {
        const belay_prune_snapshot *one = &plan->snapshots[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:b, s:o}", "id", one->id, "created_at", one->created_at, "stays",
                      one->rules.count > 0, "rules", belay_json_of_list(&one->rules)));
    }
    return list;
}

static json_t *answer(const belay_cli *cli, const belay_prune *plan, bool ok)
{
    json_t *items = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        const belay_prune_item *one = &plan->items[i];
        json_array_append_new(
            items, json_pack("{s:s, s:s, s:I, s:s, s:b}", "kind", one->kind, "name", one->name, "bytes",
                       (json_int_t)one->bytes, "why", one->why, "removed", one->removed));
    }
    return json_pack("{s:b, s:s?, s:b, s:I, s:o, s:o}", "ok", ok, "target", cli->target.name, "dry_run",
        o.dry_run, "kept", (json_int_t)plan->kept, "snapshots", snapshots_json(plan), "items", items);
}

static bool check_options(belay_error *err)
{
    return ((o.keep == UNSET || (o.keep >= 1 && o.keep <= INT_MAX)) &&
               (o.days == UNSET || (o.days >= 0 && o.days <= INT_MAX))) ||
           belay_fail(err, BELAY_E_USAGE, "--keep wants at least 1, --days at least 0");
}

static belay_prune_options options_of(const belay_cli *cli, belay_store *store)
{
    belay_prune_options how = {.target = &cli->target,
        .dialer = cli->dialer,
        .store = store,
        .reporter = cli->reporter,
        .retention = belay_retention_of(&cli->target),
        .databases = o.databases,
        .databases_age_ms = o.days == UNSET ? cli->target.keep_databases_for_ms : o.days * day_ms};
    if (o.keep != UNSET)
        how.retention.last = (int)o.keep;
    return how;
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    BELAY_AUTO(belay_store_free) belay_store *store = NULL;
    BELAY_AUTO(belay_prune_done) belay_prune plan = {0};
    belay_run_options run = {.verb = "prune"};
    bool ok = check_options(&err) && belay_cli_run_options(cli, &store, &run, &err);
    const belay_prune_options how = options_of(cli, store);
    ok = ok && belay_prune_plan(&how, &plan, &err);
    if (ok)
        print_plan(cli, &plan);
    if (ok && plan.count > 0 && !o.dry_run)
        ok = agreed(&run, &err) && belay_prune_carry_out(&how, &plan, &err);
    if (ok && plan.count > 0 && !o.dry_run)
        belay_say(cli->reporter, BELAY_INFO, "removed %zu", plan.count);
    return belay_cli_finish(cli, ok, answer(cli, &plan, ok), &err);
}

const belay_command belay_cmd_prune = {
    .name = "prune",
    .group = "Snapshots",
    .usage = "prune [options]",
    .summary = "remove old snapshots of a target, and what was left unfinished",
    .details =
        "Keeps what the target's keys keep_last, keep_daily, keep_weekly, keep_monthly and keep_for say, "
        "always\n"
        "the newest proven snapshot, and those that an unfinished run needs. Nothing is pruned but by this\n"
        "command.\n"
        "Removes *.part files that nobody writes to. Never touches files that are not belay's, nor "
        "snapshots\n"
        "that cannot be read. Takes the target's lock: exit status 6 while a run is at work.\n"
        "Refuses --databases while the target's own database does not exist: a kept one may be the only "
        "copy.",
    .options = options,
    .run = run,
};
