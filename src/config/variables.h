/* Variables: the .env file in front of the process's environment, and the expansion of ${VAR} from both.
 *
 * .env has KEY=VALUE lines, optionally with `export ` in front and quotes around the value: "..." knows \n,
 * \", \\ and \$, '...' nothing; # begins a comment line. A file that group or others can read is refused.
 * Values never appear in errors and are zeroed when freed. Not for several threads (getenv).
 */
#ifndef BELAY_CONFIG_VARIABLES_H
#define BELAY_CONFIG_VARIABLES_H

#include "util/error.h"
#include "util/str.h"

typedef struct belay_variables {
    char *path; /* the file, NULL: none was read */
    belay_list names;
    belay_list values;
} belay_variables;

/* A missing file is BELAY_E_CONFIG. */
bool belay_variables_load(belay_variables *variables, const char *path, belay_error *err);
/* As belay_variables_load with the file's text; `path` is for messages. */
bool belay_variables_parse(
    belay_variables *variables, const char *text, size_t length, const char *path, belay_error *err);
void belay_variables_done(belay_variables *variables);

/* From the file only; NULL when it has none or it is empty. */
const char *belay_variables_file_get(const belay_variables *variables, const char *name);
/* From the file, then the environment; NULL when neither has it. An empty value counts as a value. */
const char *belay_variables_get(const belay_variables *variables, const char *name);

/* ${VAR} and $$ once. The caller frees with belay_free_secret. BELAY_E_CONFIG names an unset variable. */
bool belay_variables_expand(const belay_variables *variables, const char *text, char **ret, belay_error *err);

#endif
