/* The one table of configuration keys: name, type, default, whether it is secret, and what it means. Reading,
 * checking, `belay targets`, docs/configuration.md and conf/belay.ini all come from it, or are tested against
 * it.
 *
 * To add a key of a target: a field in belay_target, one line in the table in keys.c, a line in
 * docs/configuration.md. Connection keys (host, port, user, ...) are libpq's own keywords and go into
 * belay_target.connection.
 */
#ifndef BELAY_CONFIG_KEYS_H
#define BELAY_CONFIG_KEYS_H

#include "config/target.h"
#include "util/error.h"
#include "util/str.h"

typedef enum belay_key_kind {
    BELAY_KEY_BELAY,
    BELAY_KEY_TARGET,
    BELAY_KEY_STORE,
    BELAY_KEY_HOST,
    BELAY_KEY_PLUGIN
} belay_key_kind;

typedef enum belay_key_type {
    BELAY_TYPE_WORD,       /* char *, not empty, no white space */
    BELAY_TYPE_TEXT,       /* char *, not empty */
    BELAY_TYPE_BOOL,       /* bool: yes, no */
    BELAY_TYPE_NUMBER,     /* int within least..most */
    BELAY_TYPE_DURATION,   /* int64_t, milliseconds */
    BELAY_TYPE_RATE,       /* uint64_t, bytes per second; 0: none */
    BELAY_TYPE_CHOICE,     /* an enum: the index of the choice */
    BELAY_TYPE_SET,        /* unsigned: a bit for each choice */
    BELAY_TYPE_PATH,       /* char *, made absolute */
    BELAY_TYPE_PATHS,      /* belay_list of paths, made absolute */
    BELAY_TYPE_WORDS,      /* belay_list of words without white space, or of paths: with a slash or a dot */
    BELAY_TYPE_RENAMES,    /* belay_list of old=new */
    BELAY_TYPE_WINDOWS,    /* char *, checked by belay_windows_parse */
    BELAY_TYPE_COMMAND,    /* belay_host_command: its text */
    BELAY_TYPE_HOSTS,      /* belay_host_command: the hosts */
    BELAY_TYPE_LOGS,       /* belay_log_files: paths, made absolute, and HOST:PATH */
    BELAY_TYPE_CONNECTION, /* a keyword of belay_target.connection */
    BELAY_TYPE_FILE        /* of the file itself: read where it is needed, has no field */
} belay_key_type;

typedef struct belay_key {
    belay_key_kind kind;
    const char *name;
    belay_key_type type;
    /* As written in a file; NULL: unset. One for development, staging, production. */
    const char *defaults[3];
    const char *choices; /* "rename none" for CHOICE and SET */
    bool secret;
    size_t offset; /* of the field in belay_target */
    long long least, most;
    const char *help; /* one line, lower case */
} belay_key;

const belay_key *belay_keys(size_t *ret_count);
/* NULL when unknown. Keywords of libpq that the table has not are found too, as CONNECTION. */
const belay_key *belay_key_find(belay_key_kind kind, const char *name);
/* The nearest name of that kind, NULL when none is near. */
const char *belay_key_nearest(belay_key_kind kind, const char *name);
const char *belay_key_kind_name(belay_key_kind kind);
bool belay_key_kind_find(const char *name, belay_key_kind *ret);
bool belay_key_is_secret(const char *connection_keyword);

/* Not for CONNECTION and FILE. Parses a value (already expanded) into the target's field;
 * target->project_root must be set. The error has no place and never quotes the value of a secret. */
bool belay_key_set(const belay_key *key, const char *value, belay_target *target, belay_error *err);
/* The field as it would be written; NULL when unset. The caller frees. Not for CONNECTION and FILE. */
char *belay_key_text(const belay_key *key, const belay_target *target);

#endif
