#include "pg/dbcomment.h"

#include <string.h>

#include "util/mem.h"
#include "util/str.h"

static const char mark_prefix[] = "belay: {";

char *belay_dbcomment_add(const char *comment, const json_t *mark)
{
    BELAY_AUTO(belay_free) char *text = json_dumps(mark, JSON_COMPACT | JSON_ENSURE_ASCII);
    return belay_format("%s%sbelay: %s", comment == NULL ? "" : comment, comment == NULL ? "" : "\n",
        text == NULL ? "{}" : text);
}

/* Where the mark's line begins; NULL when the last line is not one. */
static const char *mark_line(const char *comment)
{
    const char *newline = strrchr(comment, '\n');
    const char *line = newline == NULL ? comment : newline + 1;
    return belay_starts_with(line, mark_prefix) ? line : NULL;
}

void belay_dbcomment_split(const char *comment, char **ret_comment, json_t **ret_mark)
{
    const char *line = comment == NULL ? NULL : mark_line(comment);
    json_t *mark = line == NULL ? NULL : json_loads(line + strlen("belay: "), 0, NULL);
    if (!json_is_object(mark)) { /* a user's line that only looks like a mark stays */
        json_decref(mark);
        mark = NULL;
    }
    if (ret_comment != NULL) {
        if (mark == NULL)
            *ret_comment = comment == NULL ? NULL : belay_strdup(comment);
        else /* without the newline that belay put in front of its line */
            *ret_comment = line == comment ? NULL : belay_strndup(comment, (size_t)(line - comment) - 1);
    }
    if (ret_mark != NULL)
        *ret_mark = mark;
    else
        json_decref(mark);
}
