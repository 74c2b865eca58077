/* Runs gate operations for shell tests: gate_driver CONNINFO DBNAME RUN WORD...
 *
 * Opens the keeper (maintenance database postgres), then does the words in order:
 *
 *   close open swap:REPLACEMENT:KEPT twin:NAME drop:NAME end_run:ID end_sessions:NAME
 *   attach attach_oid:OID check find
 *   wait      waits for a line on stdin
 *   pid       prints the keeper's server process
 *
 * Prints "ok WORD MS" after each, or "CODE: message (hint)" and stops. Exit status: the error's.
 */
#include <inttypes.h>
#include <stdio.h>

#include "gate/gate.h"
#include "util/clock.h"

typedef struct driver {
    belay_gate gate;
    belay_keeper *keeper;
    belay_recorder recorder;
    const char *dbname;
    const char *run_id;
} driver;

static bool print_record(
    belay_recorder *self, belay_record_kind kind, const char *act, json_t *details, belay_error *err)
{
    (void)self, (void)err;
    static const char *const names[] = {"intent", "done", "note"};
    BELAY_AUTO(belay_free) char *text = json_dumps(details, JSON_COMPACT | JSON_SORT_KEYS);
    printf("%s %s %s\n", names[kind], act, text);
    json_decref(details);
    return true;
}

static bool print_found(driver *d, belay_error *err)
{
    BELAY_AUTO(belay_gate_databases_done) belay_gate_databases found = {0};
    if (!belay_gate_find(belay_keeper_pg(d->keeper), NULL, &found, err))
        return false;
    for (size_t i = 0; i < found.count; i++)
        printf("found %s of %s run %s kind %s\n", found.items[i].name, found.items[i].public_name,
            found.items[i].run, found.items[i].kind);
    return true;
}

static bool do_word(driver *d, const char *word, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list parts = {0};
    belay_list_split(&parts, word, ":");
    const char *verb = parts.items[0];
    const char *first = parts.count > 1 ? parts.items[1] : "";
    const char *second = parts.count > 2 ? parts.items[2] : "";
    char line[64];
    if (belay_equal(verb, "close"))
        return belay_gate_close(&d->gate, 5000, err);
    if (belay_equal(verb, "open"))
        return belay_gate_open(&d->gate, err);
    if (belay_equal(verb, "swap"))
        return belay_gate_swap(&d->gate, first, second, err);
    if (belay_equal(verb, "twin"))
        return belay_gate_twin(&d->gate, d->gate.closed ? d->gate.private_name : d->dbname, first, err);
    if (belay_equal(verb, "drop"))
        return belay_gate_drop(&d->gate, first, err);
    if (belay_equal(verb, "end_run"))
        return belay_gate_end_run(d->keeper, first, 5000, err);
    if (belay_equal(verb, "end_sessions"))
        return belay_gate_end_sessions(d->keeper, first, 5000, err);
    if (belay_equal(verb, "check"))
        return belay_keeper_check(d->keeper, err);
    if (belay_equal(verb, "find"))
        return print_found(d, err);
    if (belay_equal(verb, "attach"))
        return belay_gate_attach(
            &d->gate, d->keeper, d->gate.oid, d->dbname, d->run_id, &d->recorder, NULL, err);
    if (belay_equal(verb, "attach_oid")) {
        long long oid = 0;
        return belay_parse_int64(first, &oid) && belay_gate_attach(&d->gate, d->keeper, (uint32_t)oid,
                                                     d->dbname, d->run_id, &d->recorder, NULL, err);
    }
    if (belay_equal(verb, "pid"))
        return printf("pid %d\n", belay_pg_backend_pid(belay_keeper_pg(d->keeper))) > 0;
    if (belay_equal(verb, "wait"))
        return fgets(line, sizeof line, stdin) != NULL || feof(stdin);
    return belay_fail(err, BELAY_E_USAGE, "unknown word %s", word);
}

static int finish(const belay_error *err)
{
    printf("%s: %s (%s)\n", belay_code_name(err->code), err->message, err->hint);
    return belay_code_exit(err->code);
}

int main(int argc, char **argv)
{
    belay_error err = {0};
    BELAY_AUTO(belay_conninfo_done) belay_conninfo info = {0};
    belay_direct_dialer dialer;
    driver d = {.recorder = {print_record}};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 4 || !belay_conninfo_parse(&info, argv[1], &err))
        return 2;
    belay_direct_dialer_init(&dialer, &info);
    d.dbname = argv[2];
    d.run_id = argv[3];
    belay_keeper_options options = {.maintenance_db = "postgres", .dbname = d.dbname, .run_id = d.run_id};
    BELAY_AUTO(belay_keeper_close) belay_keeper *keeper = NULL;
    if (!belay_keeper_open(&dialer.base, &options, &keeper, &err))
        return finish(&err);
    d.keeper = keeper;
    bool attach = argc > 4 && belay_starts_with(argv[4], "attach_oid");
    if (!attach && !belay_gate_init(&d.gate, keeper, d.dbname, d.run_id, &d.recorder, NULL, &err))
        return finish(&err);
    for (int i = 4; i < argc; i++) {
        int64_t begun = belay_now_ms();
        if (!do_word(&d, argv[i], &err))
            return finish(&err);
        printf("ok %s %" PRId64 "\n", argv[i], belay_now_ms() - begun);
    }
    return 0;
}
