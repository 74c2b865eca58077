/* Pre-flight: policy, and the migration files against the database and against git. */
#include "migrate/check_sql.h"
#include "preflight/checks.h"
#include "util/file.h"
#include "util/process.h"

enum { GIT_TIMEOUT_MS = 10 * 1000 };

void belay_check_policy(const belay_preflight *context, belay_check_report *report, const char *name)
{
    if (!context->confirmed)
        belay_check_report_add(report, name, BELAY_REFUSE,
            "a production target wants --yes, or the database's name typed at a terminal", "add --yes");
    if (context->target->auto_apply)
        belay_check_report_add(report, name, BELAY_REFUSE, "auto_apply is set for a production target",
            "remove auto_apply from the target");
}

/* Files known and unchanged, schema as recorded: the engine says what is wrong. */
void belay_check_revisions(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    BELAY_AUTO(belay_list_done) belay_list warnings = {0};
    const belay_graph *graph = context->engine->graph;
    if (!context->engine->heads(context->engine, context->pg, &heads, &err) ||
        (graph != NULL && !belay_graph_check_known(graph, &heads, &err)) ||
        !context->engine->check(context->engine, context->pg, &heads, &warnings, &err))
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
    for (size_t i = 0; i < warnings.count; i++)
        belay_check_report_add(report, name, BELAY_WARNING, warnings.items[i], NULL);
    if (heads.count > 1) {
        BELAY_AUTO(belay_free) char *ids = belay_list_join(&heads, ", ");
        BELAY_AUTO(belay_free) char *message = belay_format("the database is at several heads: %s", ids);
        belay_check_report_add(report, name, BELAY_WARNING, message, "`belay merge` joins branches");
    }
}

/* What would otherwise fail behind the closed gate. */
void belay_check_records(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    if (!context->engine->check_records(context->engine, context->pg, &err))
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
}

static void judge_status(
    const belay_plan *plan, belay_check_report *report, const char *name, const char *entry)
{
    /* "XY path": ?? and !! are untracked and ignored. */
    const char *file = belay_path_base(entry + 3);
    bool untracked = belay_starts_with(entry, "??") || belay_starts_with(entry, "!!");
    for (size_t i = 0; i < plan->step_count; i++) {
        if (!belay_equal(file, belay_path_base(plan->steps[i].revision->path)))
            continue;
        BELAY_AUTO(belay_free)
        char *message = belay_format(untracked ? "git does not track the pending file %s"
                                               : "the pending file %s has changes that are not committed",
            file);
        belay_check_report_add(report, name, BELAY_WARNING, message,
            "commit it before it is applied: others could not follow, and it could not be put back");
    }
}

/* Quiet where there is no git, or no repository. */
void belay_preflight_tracked(const belay_plan *plan, const char *name, belay_check_report *report)
{
    if (plan == NULL || plan->step_count == 0 || plan->steps[0].revision->path == NULL)
        return;
    BELAY_AUTO(belay_free) char *folder = belay_path_folder(plan->steps[0].revision->path);
    /* safe.directory: whose folder it is does not matter for this question */
    const belay_spawn how = {
        .argv = (const char *const[]){"git", "-c", "safe.directory=*", "-C", folder, "status", "--porcelain",
            "-z", "--ignored", "--untracked-files=all", "--", ".", NULL}};
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str errors = BELAY_STR_INIT;
    int status = -1;
    if (!belay_process_run(&how, GIT_TIMEOUT_MS, &out, &errors, NULL, NULL, &status, NULL) || status != 0)
        return;
    for (size_t at = 0; at + 3 < out.length; at += strlen(out.data + at) + 1)
        judge_status(plan, report, name, out.data + at);
}

void belay_check_tracked(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_preflight_tracked(context->plan, name, report);
}

/* Read after migrating: a file that is not there then would cost a restore. */
void belay_check_verify_sql(const belay_preflight *context, belay_check_report *report, const char *name)
{
    const belay_list *files = &context->target->verify_sql;
    for (size_t i = 0; i < files->count; i++) {
        belay_error err = {0};
        if (belay_check_sql_read(files->items[i], NULL, "verify_sql", &err))
            continue;
        if (err.hint[0] == '\0')
            belay_error_hint(&err,
                "correct the file, or `verify_sql` of the target: its paths begin at the project's root");
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
    }
}
