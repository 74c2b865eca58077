#include "cli/checks.h"
#include "cli/doctor.h"

static int run(belay_cli *cli)
{
    enum { NAME_WIDTH = 15 };
    belay_error err = {0};
    BELAY_AUTO(belay_check_report_done) belay_check_report report = {0};
    belay_doctor(cli, &report);
    size_t refusals = 0;
    for (size_t i = 0; i < report.count; i++) {
        belay_cli_print_finding(cli, &report.items[i], NAME_WIDTH);
        refusals += report.items[i].verdict == BELAY_REFUSE;
    }
    bool ok = refusals == 0;
    if (!ok) {
        belay_fail(&err, BELAY_E_PREFLIGHT, "%zu finding%s to be put right first", refusals,
            refusals == 1 ? " has" : "s have");
        belay_error_hint(&err, "the lines that begin with \"refuse\" say what and how");
    }
    json_t *json = belay_check_report_json(&report);
    json_object_set_new(json, "ok", json_boolean(ok));
    return belay_cli_finish(cli, ok, json, &err);
}

const belay_command belay_cmd_doctor = {
    .name = "doctor",
    .group = "Set-up",
    .usage = "doctor [TARGET] [options]",
    .summary = "check the set-up: files, store, server, rights, tools, unfinished runs; say what to do",
    .details = "Changes nothing. Exit status 3 when something is in the way of a deploy, else 0.",
    .target_word = true,
    .run = run,
};
