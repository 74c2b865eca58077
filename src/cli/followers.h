/* The options that say what becomes of a database's followers (gate/followers.h), for the verbs that may swap
 * it:
 *
 *     static struct { belay_cli_followers followers; } o;
 *     static const belay_option options[] = {BELAY_FOLLOWER_OPTIONS(o.followers), BELAY_OPT_END};
 */
#ifndef BELAY_CLI_FOLLOWERS_H
#define BELAY_CLI_FOLLOWERS_H

#include "cli/options.h"
#include "gate/followers.h"

typedef struct belay_cli_followers {
    const char *subscriptions, *slots, *standbys;
    belay_list hosts;
    bool ignore;
} belay_cli_followers;

/* clang-format off */
#define BELAY_FOLLOWER_OPTIONS(o)                                                                              \
    {"subscriptions", 0, "WHAT",                                                                               \
        "disable: for the run, and move them along when it restores; or keep (default: refuse)",               \
        BELAY_OPT_TEXT, &(o).subscriptions},                                                                   \
    {"logical-slots", 0, "WHAT",                                                                               \
        "drop: after a restore, and print how to make them again; or keep (default: refuse)",                  \
        BELAY_OPT_TEXT, &(o).slots},                                                                           \
    {"standbys", 0, "WHAT",                                                                                    \
        "end-sessions: those on hot standbys that stay on the old database; or keep (default: refuse)",        \
        BELAY_OPT_TEXT, &(o).standbys},                                                                        \
    {"standby", 0, "CONNINFO",                                                                                 \
        "where a standby is, host=... port=...; again for each (default: the address that the primary shows)", \
        BELAY_OPT_LIST, &(o).hosts},                                                                           \
    {"ignore-followers", 0, NULL, "keep, for each of the three that nothing is said about",                    \
        BELAY_OPT_FLAG, &(o).ignore}
/* clang-format on */

/* BELAY_E_USAGE for a word that is no answer. The list of hosts stays `given`'s. */
bool belay_cli_followers_read(const belay_cli_followers *given, belay_followers *ret, belay_error *err);

#endif
