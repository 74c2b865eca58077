#include "remote/known_hosts.h"

#include <errno.h>
#include <openssl/evp.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "remote/openssh.h"
#include "util/file.h"

enum {
    FILE_MAX_BYTES = 64 * 1024 * 1024,
    FOUND_MAX_BYTES = 16 * 1024 * 1024,
    BLOB_MAX_BYTES = 64 * 1024,
    TYPE_MAX_BYTES = 63
};

static const char blank[] = " \t\r";

belay_span belay_key_blob_type(const void *blob, size_t size_bytes)
{
    const unsigned char *bytes = blob;
    if (size_bytes < 5 || bytes[0] != 0 || bytes[1] != 0 || bytes[2] != 0 || bytes[3] > TYPE_MAX_BYTES ||
        bytes[3] == 0 || bytes[3] > size_bytes - 4)
        return (belay_span){"", 0};
    for (size_t i = 4; i < (size_t)bytes[3] + 4; i++) {
        if (bytes[i] <= ' ' || bytes[i] >= 0x7f)
            return (belay_span){"", 0};
    }
    return (belay_span){(const char *)bytes + 4, bytes[3]};
}

char *belay_key_blob_encode(const void *blob, size_t size_bytes)
{
    char *text = belay_alloc((size_bytes + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)text, blob, (int)size_bytes);
    return text;
}

unsigned char *belay_key_blob_decode(const char *text, size_t *ret_bytes)
{
    size_t length = strlen(text);
    if (length == 0 || length % 4 != 0 || length > BLOB_MAX_BYTES)
        return NULL;
    BELAY_AUTO(belay_free) unsigned char *blob = belay_alloc(length / 4 * 3);
    int size = EVP_DecodeBlock(blob, (const unsigned char *)text, (int)length);
    if (size <= 0)
        return NULL;
    *ret_bytes = (size_t)size - (text[length - 1] == '=') - (text[length - 2] == '=');
    BELAY_AUTO(belay_free) char *again = belay_key_blob_encode(blob, *ret_bytes);
    return belay_equal(again, text) ? belay_take(blob) : NULL;
}

/* Which host is looked for, in which file. */
typedef struct search {
    const char *name;
    const char *path;
    bool without_port;
    belay_known_keys *found;
} search;

/* The next word of a line; false at its end. */
static bool next_word(const char **at, belay_span *ret)
{
    *at += strspn(*at, blank);
    *ret = (belay_span){*at, strcspn(*at, blank)};
    *at += ret->length;
    return ret->length > 0;
}

typedef struct entry {
    belay_span marker, names, type, blob; /* marker: length 0 when there is none */
} entry;

static bool parse_entry(const char *line, entry *ret)
{
    *ret = (entry){0};
    if (!next_word(&line, &ret->names))
        return false;
    if (ret->names.data[0] == '@') {
        ret->marker = ret->names;
        if (!next_word(&line, &ret->names))
            return false;
    }
    return next_word(&line, &ret->type) && next_word(&line, &ret->blob);
}

/* A line of the host's. One that holds no key is passed over, as ssh does. */
static void add_entry(const search *what, const entry *line, unsigned long number)
{
    size_t size = 0;
    bool revoked = belay_span_equals(line->marker, "@revoked");
    if (belay_span_equals(line->marker, "@cert-authority") && what->found->authority == NULL)
        what->found->authority = belay_format("%s:%lu", what->path, number);
    if (line->marker.length > 0 && !revoked)
        return;
    BELAY_AUTO(belay_free) char *type = belay_strndup(line->type.data, line->type.length);
    BELAY_AUTO(belay_free) char *text = belay_strndup(line->blob.data, line->blob.length);
    BELAY_AUTO(belay_free) unsigned char *blob = belay_key_blob_decode(text, &size);
    if (blob == NULL || !belay_span_equals(belay_key_blob_type(blob, size), type))
        return;
    belay_known_keys *to = what->found;
    to->items = belay_realloc_array(to->items, to->count + 1, sizeof *to->items);
    to->items[to->count++] = (belay_known_key){.type = belay_take(type),
        .blob = belay_take(text),
        .place = belay_format("%s:%lu", what->path, number),
        .revoked = revoked,
        .without_port = what->without_port};
}

/* What `ssh-keygen -F` prints: "# Host NAME found: line N", with a word behind it for markers, then the line.
 */
static void take_found(const search *what, char *text)
{
    static const char mark[] = " found: line ";
    unsigned long number = 0;
    char *next = NULL;
    for (char *line = text; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        const char *found = strstr(line, mark);
        entry parsed;
        if (belay_starts_with(line, "# Host ") && found != NULL)
            number = strtoul(found + strlen(mark), NULL, 10);
        else if (parse_entry(line, &parsed))
            add_entry(what, &parsed, number);
    }
}

static belay_openssh ask_keygen(const search *what, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str out = BELAY_STR_MAX(FOUND_MAX_BYTES);
    BELAY_AUTO(belay_str_done) belay_str errors = BELAY_STR_MAX(FOUND_MAX_BYTES);
    const char *argv[] = {NULL, "-F", what->name, "-f", what->path, NULL};
    const belay_openssh_question question = {
        .program = "ssh-keygen", .variable = "BELAY_SSH_KEYGEN", .argv = argv};
    int status = 0;
    belay_openssh ran = belay_openssh_run(&question, &out, &errors, &status, err);
    if (ran != BELAY_OPENSSH_RAN)
        return ran;
    if (status > 1) { /* 1: none is found */
        belay_span said = belay_span_trim(belay_span_of(belay_str_text(&errors)));
        belay_fail(err, BELAY_E_CONFIG, "ssh-keygen cannot search the file of known hosts %s", what->path);
        belay_error_detail(err, "%.*s", (int)said.length, said.data);
        belay_error_hint(err, "see `ssh-keygen -F '%s' -f %s`", what->name, what->path);
        return BELAY_OPENSSH_FAILED;
    }
    take_found(what, out.data);
    return ran;
}

/* Without ssh-keygen. */

static bool cannot_read(const search *what, unsigned long number, const char *why, belay_error *err)
{
    belay_fail(err, BELAY_E_UNSUPPORTED, "%s:%lu: %s, which belay does not read without ssh-keygen",
        what->path, number, why);
    return belay_error_hint(err, "install the OpenSSH client (openssh-client), or name a file of plain lines "
                                 "with ssh_known_hosts");
}

static bool has_name(belay_span names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names.data, *end = at + names.length; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t own = (size_t)((comma == NULL ? end : comma) - at);
        if (own == length && strncasecmp(at, name, length) == 0)
            return true;
        at += own + 1;
    }
    return false;
}

static bool read_line(const search *what, const char *line, unsigned long number, belay_error *err)
{
    entry parsed;
    const char *start = line + strspn(line, blank);
    if (*start == '\0' || *start == '#')
        return true;
    if (!parse_entry(line, &parsed))
        return cannot_read(what, number, "a line that is not names, type and key", err);
    bool authority = belay_span_equals(parsed.marker, "@cert-authority");
    if (authority && !has_name(parsed.names, what->name))
        return true;
    if (parsed.marker.length > 0 && !authority && !belay_span_equals(parsed.marker, "@revoked"))
        return cannot_read(what, number, "a marker of a new kind", err);
    if (parsed.names.data[0] == '|')
        return cannot_read(what, number, "a hashed name", err);
    if (strcspn(parsed.names.data, "*?!") < parsed.names.length)
        return cannot_read(what, number, "a pattern", err);
    if (has_name(parsed.names, what->name))
        add_entry(what, &parsed, number);
    return true;
}

static bool parse_plain(const search *what, const char *text, size_t length, belay_error *err)
{
    unsigned long number = 1;
    for (const char *at = text, *end = text + length; at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((newline == NULL ? end : newline) - at);
        BELAY_AUTO(belay_free) char *line = belay_strndup(at, size);
        if (strlen(line) != size)
            return cannot_read(what, number, "a line with a NUL byte", err);
        if (!read_line(what, line, number, err))
            return false;
        at = newline == NULL ? end : newline + 1;
    }
    return true;
}

static bool read_plain(const search *what, belay_error *err)
{
    BELAY_AUTO(belay_free) char *text = NULL;
    size_t length = 0;
    return belay_read_file(what->path, FILE_MAX_BYTES, &text, &length, err) &&
           parse_plain(what, text, length, err);
}

bool belay_known_keys_parse(const char *text, size_t length, const char *path, const char *name,
    belay_known_keys *ret, belay_error *err)
{
    BELAY_AUTO(belay_known_keys_done) belay_known_keys found = {0};
    const search what = {.name = name, .path = path, .found = &found};
    if (!parse_plain(&what, text, length, err))
        return false;
    *ret = found;
    found = (belay_known_keys){0};
    return true;
}

typedef enum presence { UNREADABLE, ABSENT, PRESENT } presence;

/* Devices (/dev/null) count as empty files. */
static presence look(const char *path, belay_error *err)
{
    struct stat st;
    bool found = stat(path, &st) == 0;
    if (!found && (errno == ENOENT || errno == ENOTDIR))
        return ABSENT;
    if (!found || access(path, R_OK) != 0) {
        belay_fail_errno(err, errno, "cannot read the file of known hosts %s", path);
        belay_error_hint(err, "it may say that a key is revoked, so belay does not go on without it");
        return UNREADABLE;
    }
    if (S_ISREG(st.st_mode))
        return PRESENT;
    if (S_ISCHR(st.st_mode))
        return ABSENT;
    belay_fail(err, BELAY_E_CONFIG, "%s, which is to hold known hosts, is not a file", path);
    belay_error_hint(err, "ssh_known_hosts in belay.ini, or UserKnownHostsFile in ssh_config, names it");
    return UNREADABLE;
}

static bool search_file(const search *what, belay_error *err)
{
    switch (ask_keygen(what, err)) {
    case BELAY_OPENSSH_RAN:
        return true;
    case BELAY_OPENSSH_NONE:
        return read_plain(what, err);
    case BELAY_OPENSSH_FAILED:
    default:
        return false;
    }
}

bool belay_known_keys_find(const belay_ssh_endpoint *endpoint, belay_known_keys *ret, belay_error *err)
{
    BELAY_AUTO(belay_known_keys_done) belay_known_keys found = {0};
    BELAY_AUTO(belay_free) char *name = belay_ssh_known_name(endpoint);
    BELAY_AUTO(belay_free) char *bare = belay_ssh_bare_name(endpoint);
    for (size_t i = 0; i < endpoint->known_hosts.count; i++) {
        search what = {.name = name, .path = endpoint->known_hosts.items[i], .found = &found};
        presence here = look(what.path, err);
        if (here == UNREADABLE || (here == PRESENT && !search_file(&what, err)))
            return false;
        what.name = bare;
        what.without_port = true;
        if (here == PRESENT && !belay_equal(bare, name) && !search_file(&what, err))
            return false;
    }
    *ret = found;
    found = (belay_known_keys){0};
    return true;
}

void belay_known_keys_done(belay_known_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        free(keys->items[i].type);
        free(keys->items[i].blob);
        free(keys->items[i].place);
    }
    free(keys->items);
    free(keys->authority);
    *keys = (belay_known_keys){0};
}
