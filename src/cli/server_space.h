/* --server-space, of the verbs that go through pre-flight. */
#ifndef BELAY_CLI_SERVER_SPACE_H
#define BELAY_CLI_SERVER_SPACE_H

#include "cli/options.h"
#include "util/str.h"

/* clang-format off */
#define BELAY_SERVER_SPACE_OPTION(text)                                                                        \
    {"server-space", 0, "SIZE", "free space on the server, as 500GB, where belay cannot see its disk",         \
        BELAY_OPT_TEXT, &(text)}
/* clang-format on */

/* NULL: nothing was declared, 0. BELAY_E_USAGE for what is no size. */
static inline bool belay_cli_server_space(const char *text, uint64_t *ret_bytes, belay_error *err)
{
    return text == NULL || belay_parse_bytes(text, ret_bytes) ||
           belay_fail(err, BELAY_E_USAGE, "--server-space takes a size as 500GB, not \"%s\"", text);
}

#endif
