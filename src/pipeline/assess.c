#include "pipeline/assess.h"

#include "archive/archive.h"
#include "migrate/version.h"
#include "pipeline/evidence.h"
#include "preflight/preflight.h"
#include "restore/compare.h"
#include "util/crew.h"

enum { END_SESSIONS_MS = 60 * 1000 };
/* With a twin at hand, reading more than this from both takes longer than to swap the twin in. */
static const int64_t proof_bytes_max = (int64_t)4 * 1024 * 1024 * 1024;

/* NULL when the version rows are those of before and no step of the run is in the ledger. */
static char *judge_revisions(belay_run *run)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    BELAY_AUTO(belay_list_done) belay_list heads = {0};
    belay_error err = {0};
    int64_t steps = 0;
    if (!belay_run_connect(run, belay_run_dbname(run), BELAY_PG_USER, &pg, &err) ||
        !run->engine->heads(run->engine, pg, &heads, &err) ||
        !belay_ledger_count_run(pg, run->id, &steps, &err))
        return belay_strdup(err.message);
    return steps == 0 && belay_list_same(&heads, &run->from) ? NULL
                                                             : belay_strdup("whole revisions were committed");
}

static char *judge_catalogs(belay_run *run)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    belay_error err = {0};
    if (!belay_run_connect(run, belay_run_dbname(run), BELAY_PG_PINNED, &pg, &err))
        return belay_strdup(err.message);
    return belay_evidence_catalogs(run, pg);
}

static bool compare_snapshot(belay_run *run, const belay_compare_options *options,
    belay_compare_differences *differences, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    return belay_archive_open(run->how.store, run->snapshot.name, &archive, err) &&
           belay_compare_database(options, archive, differences, err);
}

/* As many as pre-flight made sure that there are connections for: each side takes them, and one more. */
static int twin_jobs(const belay_run *run)
{
    const belay_target *target = run->how.target;
    int jobs = belay_preflight_connection_count(target, run->snapshot.id != NULL, true) / 2 - 1;
    int most = (int)belay_crew_size(target->jobs);
    return jobs < most ? jobs : most;
}

/* NULL, with run->known_by, when all rows are those of before. */
static char *judge_rows(belay_run *run)
{
    BELAY_AUTO(belay_compare_differences_done) belay_compare_differences differences = {0};
    belay_error err = {0};
    bool twin = run->twin[0] != '\0';
    const belay_compare_options options = {.dialer = run->how.dialer,
        .dbname = belay_run_dbname(run),
        .run_id = run->id,
        .jobs = twin ? twin_jobs(run) : run->how.target->jobs,
        .skip_ledger = true,
        .skip_schema = true,
        .reporter = run->how.reporter};
    const char *with = twin ? "twin" : "snapshot";
    belay_say(run->how.reporter, BELAY_INFO, "comparing all rows with the %s", with);
    bool ok = twin ? belay_gate_allow(&run->gate, run->twin, true, &err) &&
                         belay_compare_twin(&options, run->twin, &differences, &err)
                   : compare_snapshot(run, &options, &differences, &err);
    if (!ok)
        return belay_format("cannot compare with the %s: %s", with, err.message);
    if (differences.count > 0)
        return belay_list_join(&differences.texts, "; ");
    free(run->known_by);
    run->known_by =
        belay_format("proven by row hashes: %llu rows, the schema and the revisions equal the %s's (%.1f s)",
            (unsigned long long)differences.rows, with, differences.seconds);
    return NULL;
}

/* NULL when nothing is different from before; else what is, or why that cannot be told. */
static char *find_difference(belay_run *run)
{
    bool twin = run->twin[0] != '\0';
    char *found = judge_catalogs(run);
    if (found != NULL)
        return found;
    int64_t size = twin ? belay_evidence_size(run) : 0;
    if (twin && (size < 0 || size > proof_bytes_max))
        return belay_strdup("the database is so large that the twin is swapped in sooner than compared with");
    if (!twin && run->snapshot.id == NULL)
        return belay_strdup("there is neither a twin nor a snapshot to compare with");
    return judge_rows(run);
}

/* Statements without a transaction are in belay's own record, although nothing of them is left. */
static bool forget_progress(belay_run *run, belay_error *err)
{
    BELAY_AUTO(belay_pg_close) belay_pg *pg = NULL;
    return belay_run_connect(run, belay_run_dbname(run), BELAY_PG_PINNED, &pg, err) &&
           belay_progress_forget_run(pg, run->id, err);
}

/* True when the database is what it was before migrating. */
static bool prove(belay_run *run)
{
    belay_error err = {0};
    if (belay_evidence_all_aborted(run)) {
        run->known_by = belay_strdup("every transaction on the server since then was rolled back");
        return true;
    }
    BELAY_AUTO(belay_free) char *difference = judge_revisions(run);
    if (difference != NULL) {
        belay_say(run->how.reporter, BELAY_DEBUG, "%s", difference);
        return false;
    }
    difference = find_difference(run);
    if (difference == NULL && forget_progress(run, &err))
        return true;
    belay_say(run->how.reporter, BELAY_INFO, "not proven to be untouched: %s",
        difference == NULL ? err.message : difference);
    free(run->known_by);
    run->known_by = NULL;
    return false;
}

static belay_effect judge(belay_run *run, belay_effect effect)
{
    if (effect != BELAY_EFFECT_NONE)
        return prove(run) ? BELAY_EFFECT_NONE : effect;
    const char *ground = NULL;
    BELAY_AUTO(belay_free) char *suspicion = belay_evidence_suspicion(run, &ground);
    if (suspicion == NULL) {
        run->known_by = belay_format("every transaction of the run was rolled back, and %s", ground);
        return BELAY_EFFECT_NONE;
    }
    belay_say(run->how.reporter, BELAY_INFO,
        "the run's transactions were rolled back, but something else may have written: %s", suspicion);
    return prove(run) ? BELAY_EFFECT_NONE : BELAY_EFFECT_COMMITTED;
}

static const char *effect_name(belay_effect effect)
{
    static const char *const names[] = {[BELAY_EFFECT_NONE] = "none",
        [BELAY_EFFECT_COMMITTED] = "committed",
        [BELAY_EFFECT_UNKNOWN] = "unknown"};
    return names[effect];
}

belay_effect belay_assess(belay_run *run, belay_effect effect)
{
    belay_error err = {0};
    /* Others in a closed database are the migration's: what they still do must end before it is judged. */
    if (run->gate.closed &&
        !belay_gate_end_sessions(run->keeper, run->gate.private_name, END_SESSIONS_MS, &err)) {
        belay_say(run->how.reporter, BELAY_WARN, "sessions of the migration go on: %s", err.message);
        return effect == BELAY_EFFECT_NONE ? BELAY_EFFECT_UNKNOWN : effect;
    }
    belay_effect verdict = judge(run, effect);
    belay_record(belay_run_recorder(run), BELAY_RECORD_NOTE, "assess",
        json_pack("{s:s, s:s, s:s?}", "engine", effect_name(effect), "verdict", effect_name(verdict),
            "known_by", run->known_by),
        NULL);
    return verdict;
}
