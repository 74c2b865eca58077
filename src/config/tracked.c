#include "config/tracked.h"

#include "util/file.h"
#include "util/process.h"

enum { GIT_TIMEOUT_MS = 10000 };

static bool is_literal(belay_span text)
{
    while (text.length > 0) {
        const char *end = text.length > 2 && text.data[0] == '$' && text.data[1] == '{'
                              ? memchr(text.data, '}', text.length)
                              : NULL;
        if (end == NULL)
            return true;
        text.length -= (size_t)(end + 1 - text.data);
        text.data = end + 1;
    }
    return false;
}

bool belay_text_is_literal(const char *text)
{
    return is_literal(belay_span_of(text));
}

/* The value behind each "password=" of a query or a keyword string. */
static bool keyword_is_literal(const char *text, const char *keyword)
{
    size_t length = strlen(keyword);
    for (const char *at = strstr(text, keyword); at != NULL; at = strstr(at + length, keyword)) {
        if (at != text && strchr("?& \t\n", at[-1]) == NULL)
            continue;
        const char *value = at + length;
        value += strspn(value, " \t");
        if (*value != '=')
            continue;
        value += 1 + strspn(value + 1, " \t'");
        if (is_literal((belay_span){value, strcspn(value, "& \t\n'")}))
            return true;
    }
    return false;
}

bool belay_url_has_literal_password(const char *text)
{
    if (keyword_is_literal(text, "password") || keyword_is_literal(text, "sslpassword"))
        return true;
    const char *start = strstr(text, "://");
    if (start == NULL)
        return false;
    start += 3;
    /* As libpq: the user part ends at the first @ before the path. */
    const char *at = memchr(start, '@', strcspn(start, "/?"));
    const char *colon = at == NULL ? NULL : memchr(start, ':', (size_t)(at - start));
    return colon != NULL && is_literal((belay_span){colon + 1, (size_t)(at - colon - 1)});
}

bool belay_git_tracks(const char *path)
{
    BELAY_AUTO(belay_free) char *folder = belay_path_folder(path);
    /* safe.directory: whose folder it is does not matter for this question */
    const char *const argv[] = {"git", "-c", "safe.directory=*", "-C", folder, "ls-files", "--error-unmatch",
        "--", belay_path_base(path), NULL};
    belay_spawn how = {.argv = argv};
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str errors = BELAY_STR_INIT;
    int status = -1;
    return belay_process_run(&how, GIT_TIMEOUT_MS, &out, &errors, NULL, NULL, &status, NULL) && status == 0;
}
