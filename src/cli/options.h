/* Options are declared once: parsing, --help and the man page come from the same table.
 *
 *     static struct { bool plan; const char *to; } o;
 *     static const belay_option options[] = {
 *         {"plan", 0, NULL, "show the steps, change nothing", BELAY_OPT_FLAG, &o.plan},
 *         {"to", 0, "REV", "revision to go to (default: head)", BELAY_OPT_TEXT, &o.to},
 *         BELAY_OPT_END};
 *
 * The values live as long as the process; texts point into argv.
 */
#ifndef BELAY_CLI_OPTIONS_H
#define BELAY_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"
#include "util/str.h"

typedef enum belay_option_kind {
    BELAY_OPT_LAST,
    BELAY_OPT_FLAG, /* bool */
    BELAY_OPT_TEXT, /* const char * */
    BELAY_OPT_LIST, /* belay_list, may be given several times */
    BELAY_OPT_INT   /* long long */
} belay_option_kind;

typedef struct belay_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    const char *arg;  /* name of its value in the help, NULL for flags */
    const char *help; /* one line, lower case, with the default */
    belay_option_kind kind;
    void *into;
} belay_option;

#define BELAY_OPT_END                                                                                        \
    {                                                                                                        \
        NULL, 0, NULL, NULL, BELAY_OPT_LAST, NULL                                                            \
    }

/* Takes the options of both tables out of argv (either may be NULL); what is left goes into ret_words. "--"
 * ends options; a word like "-1" or "-2" is a revision, not an option. BELAY_E_USAGE for what is unknown or
 * lacks its value. */
bool belay_options_parse(int argc, char **argv, const belay_option *common, const belay_option *own,
    belay_list *ret_words, belay_error *err);
/* "  -t, --target NAME   help" lines. */
void belay_options_help(const belay_option *options, belay_str *to);

#endif
