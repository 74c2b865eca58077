#include "pipeline/app_logs.h"

#include "remote/log_file.h"
#include "seal/seal.h"
#include "util/crew.h"
#include "util/file.h"
#include "util/stop.h"
#include "verify/health.h"

enum { KEPT_MAX_BYTES = 1024 * 1024, ASK_MS = 15 * 1000, AT_ONCE = 8 };

typedef struct kept_log {
    const belay_target *target;
    const belay_log_file *log;
    belay_log_mark *mark;
    belay_str text; /* since the mark */
    belay_error err;
} kept_log;

static bool mark_one(void *context, void *own, size_t number, belay_error *err)
{
    (void)own, (void)err;
    kept_log *one = (kept_log *)context + number;
    belay_log_mark_end(one->target, one->log, ASK_MS, one->mark, &one->err);
    return true;
}

static bool read_one(void *context, void *own, size_t number, belay_error *err)
{
    (void)own, (void)err;
    kept_log *one = (kept_log *)context + number;
    uint64_t left_out = 0;
    BELAY_AUTO(belay_str_done) belay_str rest = BELAY_STR_MAX(KEPT_MAX_BYTES + 2);
    if (one->mark->file[0] == '\0' || !belay_log_read(one->target, one->log, one->mark, KEPT_MAX_BYTES,
                                          ASK_MS, &rest, &left_out, &one->err))
        return true;
    one->text = BELAY_STR_MAX(KEPT_MAX_BYTES + 256);
    if (left_out > 0)
        belay_str_appendf(
            &one->text, "(belay: %llu bytes before these are left out)\n", (unsigned long long)left_out);
    belay_str_append(&one->text, belay_str_text(&rest));
    return true;
}

/* Asks all of them at once; what goes wrong with one is told. */
static void for_each(
    belay_run *run, kept_log *logs, bool (*work)(void *context, void *own, size_t number, belay_error *err))
{
    size_t count = run->how.target->logs.count;
    const belay_crew_task task = {.work = work, .context = logs};
    for (size_t i = 0; i < count; i++) {
        logs[i].target = run->how.target;
        logs[i].log = &run->how.target->logs.items[i];
        logs[i].mark = &run->log_marks[i];
    }
    belay_crew_run(&task, count, AT_ONCE, NULL);
    for (size_t i = 0; i < count; i++) {
        if (logs[i].err.code != BELAY_E_NONE)
            belay_say(run->how.reporter, BELAY_WARN, "not kept: %s", logs[i].err.message);
    }
}

void belay_run_mark_logs(belay_run *run)
{
    size_t count = run->how.target->logs.count;
    if (count == 0 || run->log_marks != NULL || run->recovers || !belay_health_wanted(run->how.target))
        return;
    BELAY_AUTO(belay_free) kept_log *logs = belay_alloc(count * sizeof *logs);
    run->log_marks = belay_alloc(count * sizeof *run->log_marks);
    for_each(run, logs, mark_one);
}

/* "1-app1-bank.log", "1-app1-bank.log.age" where snapshots are encrypted; the caller frees. */
static char *kept_name(const belay_run *run, size_t number)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    const belay_log_file *log = &run->how.target->logs.items[number];
    BELAY_AUTO(belay_free) char *base = belay_strdup(belay_path_base(log->path));
    for (char *at = base; *at != '\0'; at++) {
        if (strchr(plain, *at) == NULL)
            *at = '_';
    }
    return belay_format("%s/runs/%s/logs/%zu-%s-%s%s%s", run->how.target->name, run->id, number + 1,
        log->host == NULL ? "local" : log->host, base, belay_ends_with(base, ".log") ? "" : ".log",
        belay_seal_encrypts(run->how.store) ? BELAY_SUFFIX_AGE : "");
}

static void write_log(belay_run *run, size_t number, const belay_str *text)
{
    BELAY_AUTO(belay_free) char *name = kept_name(run, number);
    belay_error why = {0};
    if (!belay_store_write_all(run->how.store, name, belay_str_text(text), text->length, &why))
        belay_say(run->how.reporter, BELAY_WARN, "not kept: %s", why.message);
}

void belay_run_keep_logs(belay_run *run)
{
    size_t count = run->how.target->logs.count;
    if (run->log_marks == NULL || run->journal == NULL)
        return;
    BELAY_AUTO(belay_free) kept_log *logs = belay_alloc(count * sizeof *logs);
    belay_stop_mask(true);
    for_each(run, logs, read_one);
    for (size_t i = 0; i < count; i++) {
        if (logs[i].text.max > 0)
            write_log(run, i, &logs[i].text);
        belay_str_done(&logs[i].text);
    }
    belay_stop_mask(false);
}
