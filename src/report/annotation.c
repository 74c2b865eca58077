#include "report/annotation.h"

#include "util/str.h"

/* The runner's own escapes: in the message only what would end it, in a property its separators too. */
static void add_escaped(belay_str *to, const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (strchr(special, *text) != NULL)
            belay_str_appendf(to, "%%%02X", (unsigned)(unsigned char)*text);
        else
            belay_str_append_char(to, *text);
    }
}

char *belay_annotation(const belay_error *err, const char *root)
{
    belay_str text = BELAY_STR_INIT;
    const char *file = err->file;
    size_t length = root == NULL ? 0 : strlen(root);
    if (length > 0 && strncmp(file, root, length) == 0 && file[length] == '/')
        file += length + 1;
    belay_str_append(&text, "::error ");
    if (*file != '\0') {
        belay_str_append(&text, "file=");
        add_escaped(&text, file, "%\r\n:,");
        if (err->line > 0)
            belay_str_appendf(&text, ",line=%ld", err->line);
        belay_str_append_char(&text, ',');
    }
    belay_str_append(&text, "title=belay::");
    add_escaped(&text, err->message, "%\r\n");
    if (err->hint[0] != '\0') {
        belay_str_append(&text, "%0A");
        add_escaped(&text, err->hint, "%\r\n");
    }
    return belay_str_steal(&text);
}

void belay_say_annotation(belay_reporter *reporter, const belay_error *err)
{
    const char *actions = getenv("GITHUB_ACTIONS");
    if (actions == NULL || !belay_equal(actions, "true"))
        return;
    BELAY_AUTO(belay_free) char *text = belay_annotation(err, getenv("GITHUB_WORKSPACE"));
    belay_say(reporter, BELAY_ERROR, "%s", text);
}
