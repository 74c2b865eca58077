#include "config/variables.h"

#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>

#include "util/file.h"

enum { MAX_FILE_BYTES = 256 * 1024 };

static bool is_variable_name(belay_span name)
{
    if (name.length == 0 || isdigit((unsigned char)name.data[0]))
        return false;
    for (size_t i = 0; i < name.length; i++) {
        if (!isalnum((unsigned char)name.data[i]) && name.data[i] != '_')
            return false;
    }
    return true;
}

static bool refuse(const char *path, long line, const char *what, const char *hint, belay_error *err)
{
    belay_fail(err, BELAY_E_CONFIG, "%s", what);
    belay_error_hint(err, "%s", hint);
    return belay_error_place(err, path, line);
}

/* The value without its quotes; NULL when they do not match. */
static char *unquote(belay_span value)
{
    char quote = value.length > 0 ? value.data[0] : '\0';
    if (quote != '"' && quote != '\'')
        return belay_strndup(value.data, value.length);
    belay_str text = BELAY_STR_INIT;
    size_t at = 1;
    for (; at < value.length && value.data[at] != quote; at++) {
        char c = value.data[at];
        if (quote == '"' && c == '\\' && at + 1 < value.length) {
            c = value.data[++at];
            if (c == 'n')
                c = '\n';
            else if (c != '"' && c != '\\' && c != '$')
                belay_str_append_char(&text, '\\');
        }
        belay_str_append_char(&text, c);
    }
    if (at + 1 != value.length) {
        if (text.data != NULL)
            explicit_bzero(text.data, text.length);
        belay_str_done(&text);
        return NULL;
    }
    return belay_str_steal(&text);
}

static bool take_line(belay_variables *v, belay_span line, const char *path, long number, belay_error *err)
{
    static const char export_word[] = "export ";
    line = belay_span_trim(line);
    if (line.length == 0 || line.data[0] == '#')
        return true;
    if (memchr(line.data, '\0', line.length) != NULL)
        return refuse(path, number, "the line holds a NUL byte", "is this the right file?", err);
    if (line.length > sizeof export_word && strncmp(line.data, export_word, sizeof export_word - 1) == 0)
        line = belay_span_trim(
            (belay_span){line.data + sizeof export_word - 1, line.length - sizeof export_word + 1});
    const char *equals = memchr(line.data, '=', line.length);
    belay_span name = {line.data, equals == NULL ? 0 : (size_t)(equals - line.data)};
    if (!is_variable_name(name))
        return refuse(
            path, number, "this line is not KEY=VALUE", "no spaces around the =; comments begin with #", err);
    char *value = unquote(belay_span_trim((belay_span){equals + 1, line.length - name.length - 1}));
    if (value == NULL)
        return refuse(path, number, "the quotes around the value do not match",
            "close the quote at the end of the line, or put a backslash before it within \"...\"", err);
    belay_list_add_owned(&v->names, belay_strndup(name.data, name.length));
    belay_list_add_owned(&v->values, value);
    return true;
}

bool belay_variables_parse(
    belay_variables *variables, const char *text, size_t length, const char *path, belay_error *err)
{
    *variables = (belay_variables){.path = belay_strdup(path)};
    long number = 0;
    bool ok = true;
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        length -= 3;
    }
    while (ok && length > 0) {
        const char *newline = memchr(text, '\n', length);
        size_t size = newline == NULL ? length : (size_t)(newline - text);
        ok = take_line(variables, (belay_span){text, size}, path, ++number, err);
        size_t step = newline == NULL ? size : size + 1;
        text += step;
        length -= step;
    }
    if (!ok)
        belay_variables_done(variables);
    return ok;
}

bool belay_variables_load(belay_variables *variables, const char *path, belay_error *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        belay_fail_errno(err, errno, "cannot read the file of variables");
        if (err != NULL)
            err->code = BELAY_E_CONFIG;
        belay_error_hint(err, "--env-file names it; without that option .env in the project's root is read");
        return belay_error_place(err, path, 0);
    }
    if (S_ISREG(status.st_mode) && (status.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        belay_fail(
            err, BELAY_E_CONFIG, "others than its owner can read it (mode %04o)", status.st_mode & 07777);
        belay_error_hint(err, "chmod 600 %s", path);
        return belay_error_place(err, path, 0);
    }
    char *text = NULL;
    size_t length = 0;
    if (!belay_read_file(path, MAX_FILE_BYTES, &text, &length, err)) {
        if (err != NULL)
            err->code = BELAY_E_CONFIG;
        return false;
    }
    bool ok = belay_variables_parse(variables, text, length, path, err);
    explicit_bzero(text, length);
    free(text);
    return ok;
}

void belay_variables_done(belay_variables *variables)
{
    free(variables->path);
    belay_list_done(&variables->names);
    belay_list_done_secret(&variables->values);
    *variables = (belay_variables){0};
}

static const char *in_file(const belay_variables *variables, const char *name)
{
    const char *value = NULL; /* the last one counts, as in a shell */
    for (size_t i = 0; i < variables->names.count; i++) {
        if (belay_equal(variables->names.items[i], name))
            value = variables->values.items[i];
    }
    return value;
}

const char *belay_variables_file_get(const belay_variables *variables, const char *name)
{
    const char *value = in_file(variables, name);
    return value == NULL || *value == '\0' ? NULL : value;
}

const char *belay_variables_get(const belay_variables *variables, const char *name)
{
    const char *value = in_file(variables, name);
    return value == NULL ? getenv(name) : value;
}

static bool expand_one(const belay_variables *variables, const char **at, belay_str *to, belay_error *err)
{
    const char *text = *at; /* stands on the dollar */
    if (text[1] == '$') {
        belay_str_append_char(to, '$');
        *at += 2;
        return true;
    }
    size_t length = text[1] == '{' ? strcspn(text + 2, "}") : 0;
    if (text[1] != '{' || text[2 + length] != '}' || !is_variable_name((belay_span){text + 2, length})) {
        belay_fail(err, BELAY_E_CONFIG, "a $ that begins neither ${NAME} nor $$");
        return belay_error_hint(err, "write $$ for a dollar");
    }
    BELAY_AUTO(belay_free) char *name = belay_strndup(text + 2, length);
    const char *value = belay_variables_get(variables, name);
    if (value == NULL) {
        belay_fail(err, BELAY_E_CONFIG, "variable %s is not set", name);
        return belay_error_hint(err, "set %s in the environment%s%s", name,
            variables->path == NULL ? " or in a .env file" : " or in ",
            variables->path == NULL ? "" : variables->path);
    }
    belay_str_append(to, value);
    *at += length + 3;
    return true;
}

bool belay_variables_expand(const belay_variables *variables, const char *text, char **ret, belay_error *err)
{
    belay_str to = BELAY_STR_MAX(1024 * 1024);
    bool ok = true;
    while (ok && *text != '\0') {
        size_t plain = strcspn(text, "$");
        belay_str_append_n(&to, text, plain);
        text += plain;
        if (*text == '$')
            ok = expand_one(variables, &text, &to, err);
    }
    ok = ok && belay_str_check(&to, "a value", err);
    if (ok)
        *ret = belay_str_steal(&to);
    else if (to.data != NULL)
        explicit_bzero(to.data, to.length);
    belay_str_done(&to);
    return ok;
}
