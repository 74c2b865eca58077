/* Commands: one verb, one file cmd_<verb>.c, one belay_command.
 *
 * To add a command:
 *   1. src/cli/cmd_<verb>.c with `const belay_command belay_cmd_<verb> = {...}`: options, help, a body
 *      that reads as the recipe;
 *   2. declare it in the list below (BELAY_COMMANDS), in the place where the help should show it;
 *   3. tests/integration/test_<verb>.sh, a line in docs/commands.md, and its options in the table there.
 * A body returns an exit status of CONTRACT.md; most end with `return belay_cli_finish(cli, ok, json, &err)`.
 */
#ifndef BELAY_CLI_COMMANDS_H
#define BELAY_CLI_COMMANDS_H

#include <stdbool.h>

#include "cli/options.h"
#include "config/config.h"
#include "pg/pg.h"
#include "remote/tunnel_dialer.h"
#include "report/error_json.h"
#include "report/reporter.h"
#include "store/store.h"
#include "util/error.h"
#include "util/json.h"
#include "util/str.h"

struct belay_command;

typedef struct belay_cli {
    const struct belay_command *command; /* NULL: the words name none */
    /* common options */
    const char *config_path;
    const char *env_file;
    const char *target_name;
    bool json;
    bool quiet;
    bool verbose;
    const char *progress; /* NULL: auto */
    bool help;
    /* what the verbs share */
    belay_reporter *reporter;
    belay_config *config; /* after belay_cli_target */
    belay_target target;  /* after belay_cli_target */
    belay_direct_dialer direct;
    belay_tunnel_dialer tunnel; /* of a target with ssh */
    belay_dialer *dialer;       /* after belay_cli_target */
    int jobs;                   /* cli/jobs.h; 0: the target's own */
    bool rate_given;            /* cli/rate.h */
    uint64_t rate_bytes_per_s;
    bool holds_lock;  /* of the target: this process took it (cli/lock.h) */
    belay_list words; /* what is left of argv */
} belay_cli;

/* The form of a command's JSON document in CONTRACT.md, which it keeps when it came to no answer. */
typedef enum belay_answer {
    BELAY_ANSWER_OTHER, /* its own, or {"ok": ...} */
    BELAY_ANSWER_RUN,   /* {"run", "target", "outcome", ...} */
    BELAY_ANSWER_CHECKS /* {"verdict", "checks"} */
} belay_answer;

typedef struct belay_command {
    const char *name;
    const char *group;   /* heading in `belay help` */
    const char *usage;   /* "upgrade [options] REVISION" */
    const char *summary; /* one line */
    const char *details; /* paragraphs for --help, may be NULL */
    const belay_option *options;
    int min_words, max_words; /* max -1: any number */
    bool target_word;         /* the first word may name the target */
    belay_answer answer;
    int (*run)(belay_cli *cli);
} belay_command;

/* X(verb) in the order of `belay help`; one a line keeps changes apart. */
/* clang-format off */
#define BELAY_COMMANDS(X) \
    X(preflight) \
    X(deploy) \
    X(rehearse) \
    X(recover) \
    X(restore) \
    X(runs) \
    X(report) \
    X(logs) \
    X(upgrade) \
    X(downgrade) \
    X(stamp) \
    X(revision) \
    X(current) \
    X(check) \
    X(history) \
    X(heads) \
    X(branches) \
    X(merge) \
    X(show) \
    X(snapshot) \
    X(snapshots) \
    X(verify) \
    X(prove) \
    X(prune) \
    X(export) \
    X(key) \
    X(init) \
    X(targets) \
    X(doctor) \
    X(dev) \
    X(reset)
/* clang-format on */

#define X(verb) extern const belay_command belay_cmd_##verb;
BELAY_COMMANDS(X)
#undef X

/* The whole program after start-up. */
int belay_cli_main(int argc, char **argv);

/* Loads the configuration and resolves the target (its option, its word, or the default). */
bool belay_cli_target(belay_cli *cli, belay_error *err);
/* A connection to the target's database. */
bool belay_cli_connect(belay_cli *cli, belay_pg_profile profile, belay_pg **ret, belay_error *err);
bool belay_cli_store(belay_cli *cli, belay_store **ret, belay_error *err);
/* The same, for verbs that store nothing: it is not made; *ret NULL where nothing was ever stored. */
bool belay_cli_store_if_any(belay_cli *cli, belay_store **ret, belay_error *err);
/* Another one, with the limit of the rate and the keys that the target has: what new snapshots are encrypted
 * to, and what the others are read with. */
bool belay_cli_open_store(
    belay_cli *cli, const char *url, const belay_store_options *how, belay_store **ret, belay_error *err);

/* Ends a command: with --json prints `json` (reference stolen; NULL: what command->answer says), with "error"
 * where CONTRACT.md has it and on every failure; otherwise shows the error on stderr. Returns the exit
 * status. */
int belay_cli_finish(belay_cli *cli, bool ok, json_t *json, const belay_error *err);
/* Prints a whole document on stdout; steals the reference. */
void belay_cli_print_json(json_t *json);
/* A line of the answer on stdout; nothing with --json. */
void belay_cli_print(const belay_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
