/* Pre-flight: can belay log in to the hosts that the run needs? No command is run there, since a login may be
 * bound to one of its own. */
#include "preflight/checks.h"
#include "remote/session.h"
#include "util/crew.h"

enum { AT_ONCE = 8 };

typedef struct asked {
    const belay_host *host;
    belay_error err;
} asked;

static bool log_in(void *context, void *own, size_t number, belay_error *err)
{
    (void)own, (void)err;
    asked *one = (asked *)context + number;
    const belay_ssh_options options = {.login = &one->host->ssh};
    BELAY_AUTO(belay_ssh_close) belay_ssh_session *session = NULL;
    if (!belay_ssh_open(&options, &session, &one->err))
        belay_error_prefix(&one->err, "host %s", one->host->name);
    return true;
}

/* What changes something, or decides what becomes of it; the rest of a run goes on without. */
static bool is_needed(const belay_target *target, const char *host)
{
    const belay_host_command *const commands[] = {
        &target->stop_command, &target->start_command, &target->health_command};
    for (size_t i = 0; i < BELAY_COUNT(commands); i++) {
        if (belay_list_has(&commands[i]->hosts, host))
            return true;
    }
    return false;
}

void belay_check_hosts(const belay_preflight *context, belay_check_report *report, const char *name)
{
    const belay_target *target = context->target;
    if (target->host_count == 0)
        return;
    BELAY_AUTO(belay_free) asked *all = belay_alloc(target->host_count * sizeof *all);
    const belay_crew_task task = {.work = log_in, .context = all};
    for (size_t i = 0; i < target->host_count; i++)
        all[i].host = &target->hosts[i];
    belay_error err = {0};
    if (!belay_crew_run(&task, target->host_count, AT_ONCE, &err))
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
    for (size_t i = 0; i < target->host_count; i++) {
        if (all[i].err.code != BELAY_E_NONE)
            belay_check_report_add_error(report, name,
                is_needed(target, all[i].host->name) ? BELAY_REFUSE : BELAY_WARNING, &all[i].err);
    }
}
