/* One target, resolved: the file's keys over .env over the POSTGRES_* variables over libpq's own defaults. */
#include <stdio.h>

#include "config/config_internal.h"
#include "config/keys.h"
#include "pg/defaults.h"
#include "pg/names.h"
#include "util/file.h"
#include "util/suggest.h"

static bool no_target(const belay_config *config, const char *name, const char *message, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    belay_config_target_names(config, &names);
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&names, ", ");
    const char *nearest = name == NULL ? NULL : belay_nearest(name, &names);
    if (name == NULL)
        belay_fail(err, BELAY_E_CONFIG, "%s", message);
    else
        belay_fail(err, BELAY_E_CONFIG, "%s \"%.100s\"", message, name);
    if (names.count == 0)
        belay_error_hint(err, "add a section [target.NAME]; conf/belay.ini shows all keys");
    else if (nearest != NULL)
        belay_error_hint(err, "did you mean %s? There are: %s", nearest, joined);
    else
        belay_error_hint(err, "there are: %s", joined);
    return belay_error_place(err, config->path, 0);
}

/* *ret stays NULL for the target of the environment variables. */
static bool pick_section(
    const belay_config *config, const char *name, const belay_ini_section **ret, belay_error *err)
{
    *ret = NULL;
    if (config->ini == NULL) {
        if (name == NULL || belay_equal(name, BELAY_ENV_TARGET))
            return true;
        belay_fail(err, BELAY_E_CONFIG, "there is no belay.ini that has a target \"%.100s\"", name);
        return belay_error_hint(
            err, "run belay in the project's folder, give -c FILE, or write one with `belay init`");
    }
    if (name == NULL)
        name = belay_config_default_target(config);
    if (name != NULL) {
        *ret = belay_ini_section_of(config->ini, "target", name);
        return *ret != NULL || no_target(config, name, "there is no target", err);
    }
    size_t found = 0;
    for (size_t i = 0; i < config->ini->count; i++) {
        if (belay_equal(config->ini->sections[i].kind, "target") && found++ == 0)
            *ret = &config->ini->sections[i];
    }
    if (found == 1)
        return true;
    return no_target(config, NULL,
        found == 0 ? "the file has no target" : "which target? name it, or set default_target in [belay]",
        err);
}

/* A URL is taken apart before it is expanded, so that a password may hold @ or /; one that begins with a
 * variable is expanded first. */
static bool set_url(const belay_config *config, const char *text, belay_target *target, belay_error *err)
{
    if (belay_starts_with(text, "${")) {
        BELAY_AUTO(belay_free_secret) char *url = NULL;
        return belay_variables_expand(&config->variables, text, &url, err) &&
               belay_conninfo_parse(&target->connection, url, err);
    }
    if (!belay_conninfo_parse(&target->connection, text, err))
        return false;
    for (size_t i = 0; i < target->connection.keywords.count; i++) {
        BELAY_AUTO(belay_free_secret) char *value = NULL;
        if (!belay_variables_expand(&config->variables, target->connection.values.items[i], &value, err))
            return false;
        belay_conninfo_set(&target->connection, target->connection.keywords.items[i], value);
    }
    return true;
}

static bool set_entry(
    const belay_config *config, const belay_ini_entry *entry, belay_target *target, belay_error *err)
{
    const belay_key *key = belay_key_find(BELAY_KEY_TARGET, entry->key);
    if (key->type == BELAY_TYPE_COMMAND)
        return belay_key_set(key, entry->value, target, err); /* the shell expands it */
    BELAY_AUTO(belay_free_secret) char *value = NULL;
    if (!belay_variables_expand(&config->variables, entry->value, &value, err))
        return belay_error_prefix(err, "%s", entry->key);
    if (key->type != BELAY_TYPE_CONNECTION)
        return belay_key_set(key, value, target, err);
    if (belay_conninfo_get(&target->connection, entry->key) != NULL)
        return belay_fail(err, BELAY_E_CONFIG, "%s is named twice: here and in the url", entry->key);
    belay_conninfo_set(&target->connection, entry->key, value);
    return true;
}

static bool set_entries(
    const belay_config *config, const belay_ini_section *section, belay_target *target, belay_error *err)
{
    const belay_ini_entry *url = belay_ini_entry_of(section, "url");
    if (url != NULL && !set_url(config, url->value, target, err))
        return belay_error_place(err, config->path, url->line);
    for (size_t i = 0; i < section->count; i++) {
        const belay_ini_entry *entry = &section->entries[i];
        if (entry != url && !set_entry(config, entry, target, err))
            return belay_error_place(err, config->path, entry->line);
    }
    return true;
}

/* Without a word about it a target is production: the environment in which the least is allowed. */
static bool find_environment(
    const belay_config *config, const belay_ini_section *section, belay_target *target, belay_error *err)
{
    const belay_key *key = belay_key_find(BELAY_KEY_TARGET, "environment");
    const belay_ini_entry *entry = belay_ini_entry_of(section, key->name);
    if (!belay_key_set(key, key->defaults[0], target, err))
        return false;
    if (section == NULL) {
        const char *named = belay_variables_get(&config->variables, "BELAY_ENVIRONMENT");
        return named == NULL || *named == '\0' || belay_key_set(key, named, target, err) ||
               belay_error_prefix(err, "BELAY_ENVIRONMENT");
    }
    return entry == NULL || set_entry(config, entry, target, err) ||
           belay_error_place(err, config->path, entry->line);
}

static bool set_defaults(belay_target *target, belay_error *err)
{
    size_t count = 0;
    const belay_key *keys = belay_keys(&count);
    for (size_t i = 0; i < count; i++) {
        const char *value = keys[i].defaults[target->environment];
        if (keys[i].kind != BELAY_KEY_TARGET || value == NULL ||
            keys[i].offset == offsetof(belay_target, environment))
            continue;
        if (!belay_key_set(&keys[i], value, target, err))
            return false;
    }
    return true;
}

/* host and hostaddr both name a server: who names one, names both. */
static bool is_open(const belay_conninfo *info, const char *keyword)
{
    if (belay_equal(keyword, "host") && belay_conninfo_get(info, "hostaddr") != NULL)
        return false;
    return belay_conninfo_get(info, keyword) == NULL;
}

/* Within .env, whose lines come in any order, either goes with the other. */
static bool is_open_to_file(const belay_conninfo *info, const char *keyword, bool host_named)
{
    bool is_host = belay_equal(keyword, "host") || belay_equal(keyword, "hostaddr");
    return belay_conninfo_get(info, keyword) == NULL && !(is_host && host_named);
}

/* The guide's variables and what they mean to libpq. */
static const char *const guide_variables[][2] = {{"POSTGRES_HOST", "host"}, {"POSTGRES_PORT", "port"},
    {"POSTGRES_USER", "user"}, {"POSTGRES_PASSWORD", "password"}, {"POSTGRES_DB", "dbname"}};

static bool add_variables(const belay_config *config, belay_conninfo *info, belay_error *err)
{
    const belay_variables *file = &config->variables;
    bool host_named = !is_open(info, "host");
    for (size_t i = 0; i < BELAY_COUNT(guide_variables); i++) {
        const char *value = belay_variables_file_get(file, guide_variables[i][0]);
        if (value != NULL && is_open(info, guide_variables[i][1]))
            belay_conninfo_set(info, guide_variables[i][1], value);
    }
    for (size_t i = 0; i < file->names.count; i++) {
        const char *name = file->names.items[i];
        BELAY_AUTO(belay_free)
        char *keyword = belay_starts_with(name, "PG") ? belay_conninfo_keyword_of(name) : NULL;
        const char *value = belay_variables_file_get(file, name);
        if (keyword == NULL || value == NULL || !is_open_to_file(info, keyword, host_named))
            continue;
        belay_conninfo_set(info, keyword, value);
        if (!belay_equal(keyword, "service"))
            continue;
        if (!belay_conninfo_add_service(info, value, err))
            return belay_error_place(err, file->path, 0);
        host_named = !is_open(info, "host");
    }
    for (size_t i = 0; i < BELAY_COUNT(guide_variables); i++) {
        const char *value = getenv(guide_variables[i][0]);
        if (value != NULL && *value != '\0' && is_open(info, guide_variables[i][1]))
            belay_conninfo_set(info, guide_variables[i][1], value);
    }
    return true;
}

/* Production is never reached by what happens to be set: it says itself where and what. */
static bool check_named(const belay_config *config, const belay_ini_section *section,
    const belay_target *target, belay_error *err)
{
    if (target->environment != BELAY_PRODUCTION)
        return true;
    const char *missing = is_open(&target->connection, "host")     ? "host"
                          : is_open(&target->connection, "dbname") ? "dbname"
                                                                   : NULL;
    if (missing == NULL)
        return true;
    if (section == NULL) {
        belay_fail(err, BELAY_E_CONFIG, "there is no belay.ini, and %s is not set",
            belay_equal(missing, "host") ? "POSTGRES_HOST" : "POSTGRES_DB");
        return belay_error_hint(err,
            "set POSTGRES_HOST, _PORT, _USER, _PASSWORD and _DB, or write a belay.ini with "
            "`belay init`; run belay in the project's folder");
    }
    belay_fail(err, BELAY_E_CONFIG, "production target %s must name host and dbname itself; %s is missing",
        target->name, missing);
    belay_error_hint(err,
        "write %s = ... or url = postgresql://host/dbname into [target.%s]; ${VARIABLES} are fine. "
        "A target without `environment` counts as production",
        missing, target->name);
    return belay_error_place(err, config->path, section->line);
}

/* The server cuts longer ones silently, and two targets that write one name differently would not see each
 * other's lock. */
static bool check_length(const belay_target *target, belay_error *err)
{
    const char *dbname = belay_conninfo_get(&target->connection, "dbname");
    if (dbname == NULL || strlen(dbname) <= BELAY_NAME_MAX_BYTES)
        return true;
    belay_fail(err, BELAY_E_CONFIG,
        "dbname of target %s has %zu bytes, and PostgreSQL cuts names after %d: %s", target->name,
        strlen(dbname), (int)BELAY_NAME_MAX_BYTES, dbname);
    return belay_error_hint(err, "write the name as `psql -l` shows it");
}

static bool connect_keys(
    const belay_config *config, const belay_ini_section *section, belay_target *target, belay_error *err)
{
    belay_conninfo *info = &target->connection;
    BELAY_AUTO(belay_free) char *service = NULL;
    if (belay_conninfo_get(info, "service") != NULL) {
        service = belay_strdup(belay_conninfo_get(info, "service"));
        if (!belay_conninfo_add_service(info, service, err))
            return belay_error_place(err, config->path, section->line);
    }
    if (section != NULL && !check_named(config, section, target, err))
        return false;
    if (!add_variables(config, info, err))
        return false;
    if (section == NULL && !check_named(config, NULL, target, err))
        return false;
    return belay_conninfo_add_defaults(info, err) &&
           (check_length(target, err) ||
               belay_error_place(err, config->path, section == NULL ? 0 : section->line));
}

static bool expand_into(
    const belay_config *config, const belay_ini_entry *entry, char **ret, belay_error *err)
{
    return belay_variables_expand(&config->variables, entry->value, ret, err) ||
           belay_error_place(err, config->path, entry->line);
}

/* What a section of a store or host says of logging in there. */
static bool read_login(const belay_config *config, const belay_ini_section *section,
    const belay_target *target, belay_ssh_login *ret, belay_error *err)
{
    const struct {
        const char *key;
        char **to;
        bool is_path;
    } keys[] = {{"ssh_key", &ret->key, true}, {"ssh_passphrase", &ret->passphrase, false},
        {"ssh_password", &ret->password, false}, {"ssh_known_hosts", &ret->known_hosts, true}};
    ret->target = belay_strdup(target->name);
    for (size_t i = 0; i < BELAY_COUNT(keys); i++) {
        const belay_ini_entry *entry = belay_ini_entry_of(section, keys[i].key);
        BELAY_AUTO(belay_free_secret) char *value = NULL;
        if (entry == NULL)
            continue;
        if (!expand_into(config, entry, &value, err))
            return false;
        if (*value == '\0') {
            belay_fail(err, BELAY_E_CONFIG, "%s is empty", keys[i].key);
            return belay_error_place(err, config->path, entry->line);
        }
        *keys[i].to = keys[i].is_path ? belay_config_file(target->project_root, value) : belay_take(value);
    }
    return true;
}

static bool find_store(const belay_config *config, belay_target *target, belay_error *err)
{
    const belay_ini_section *section =
        config->ini == NULL ? NULL : belay_ini_section_of(config->ini, "store", target->store);
    const belay_ini_entry *path = belay_ini_entry_of(section, "path");
    const belay_ini_entry *url = belay_ini_entry_of(section, "url");
    if (section == NULL && belay_equal(target->store, "local")) {
        target->store_url = belay_path_join(target->project_root, "backups");
        return true;
    }
    if (section == NULL) {
        belay_fail(err, BELAY_E_CONFIG, "target %s names store %s, but there is no [store.%s]", target->name,
            target->store, target->store);
        belay_error_hint(err, "add [store.%s] with path = FOLDER", target->store);
        return belay_error_place(err, config->path, 0);
    }
    if ((path == NULL) == (url == NULL)) {
        belay_fail(err, BELAY_E_CONFIG, "[store.%s] needs either path or url", target->store);
        return belay_error_place(err, config->path, section->line);
    }
    BELAY_AUTO(belay_free_secret) char *value = NULL;
    if (!expand_into(config, path == NULL ? url : path, &value, err))
        return false;
    if (*value == '\0') {
        belay_fail(err, BELAY_E_CONFIG, "the %s of [store.%s] is empty", path == NULL ? "url" : "path",
            target->store);
        return belay_error_place(err, config->path, section->line);
    }
    BELAY_AUTO(belay_free)
    char *folder = path == NULL ? NULL : belay_config_file(target->project_root, value);
    if (path != NULL && *value == '~' && belay_ends_with(folder, value)) {
        belay_fail(err, BELAY_E_CONFIG, "the path %s of [store.%s] would be a folder called ~", value,
            target->store);
        belay_error_hint(err,
            "~/ is the home of who runs belay (HOME): write another one's out, or ./%s where "
            "that is meant",
            value);
        return belay_error_place(err, config->path, path->line);
    }
    target->store_url = path == NULL ? belay_take(value) : belay_take(folder);
    return read_login(config, section, target, &target->store_login, err);
}

/* `what` is on it: "stop_command runs". */
static bool add_host(
    const belay_config *config, const char *name, const char *what, belay_target *target, belay_error *err)
{
    for (size_t i = 0; i < target->host_count; i++) {
        if (belay_equal(target->hosts[i].name, name))
            return true;
    }
    const belay_ini_section *section =
        config->ini == NULL ? NULL : belay_ini_section_of(config->ini, "host", name);
    const belay_ini_entry *ssh = belay_ini_entry_of(section, "ssh");
    if (ssh == NULL) {
        belay_fail(err, BELAY_E_CONFIG, "target %s has %s on %s, but %s", target->name, what, name,
            section == NULL ? "there is no section for that host" : "its section has no ssh key");
        belay_error_hint(err, "add [host.%s] with ssh = user@host", name);
        return belay_error_place(err, config->path, section == NULL ? 0 : section->line);
    }
    BELAY_AUTO(belay_free) char *address = NULL;
    if (!expand_into(config, ssh, &address, err))
        return false;
    target->hosts = belay_realloc_array(target->hosts, target->host_count + 1, sizeof *target->hosts);
    target->hosts[target->host_count++] = (belay_host){.name = belay_strdup(name)};
    belay_ssh_login *login = &target->hosts[target->host_count - 1].ssh;
    login->address = belay_take(address);
    return read_login(config, section, target, login, err);
}

static bool find_hosts(const belay_config *config, belay_target *target, belay_error *err)
{
    const struct {
        const char *key;
        const belay_host_command *command;
    } commands[] = {{"health_command", &target->health_command}, {"stop_command", &target->stop_command},
        {"start_command", &target->start_command}, {"pull_command", &target->pull_command}};
    for (size_t i = 0; i < BELAY_COUNT(commands); i++) {
        const belay_host_command *command = commands[i].command;
        if (command->command == NULL && command->hosts.count > 0) {
            belay_fail(err, BELAY_E_CONFIG, "target %s has %s_on without %s", target->name, commands[i].key,
                commands[i].key);
            return belay_error_place(err, config->path, 0);
        }
        for (size_t j = 0; j < command->hosts.count; j++) {
            if (!add_host(config, command->hosts.items[j], commands[i].key, target, err))
                return false;
        }
    }
    for (size_t i = 0; i < target->logs.count; i++) {
        const char *host = target->logs.items[i].host;
        if (host != NULL && !add_host(config, host, "a log", target, err))
            return false;
    }
    return true;
}

/* Keys that contradict each other, or the environment. */
static bool check_policy(const belay_config *config, const belay_ini_section *section,
    const belay_target *target, belay_error *err)
{
    const char *message = NULL;
    const char *hint = "";
    if (target->auto_apply && target->environment != BELAY_DEVELOPMENT) {
        message = "auto_apply is for development targets only";
        hint = "never run auto-migrations elsewhere: use `belay deploy`";
    } else if (!target->snapshot && (target->way_back & BELAY_WAY_BACK_TWIN) == 0) {
        message = "snapshot = no leaves only a twin as the way back, and way_back does not allow one";
        hint = "add twin to way_back, or leave snapshot = yes";
    }
    if (message == NULL)
        return true;
    belay_fail(err, BELAY_E_CONFIG, "target %s: %s", target->name, message);
    belay_error_hint(err, "%s", hint);
    return belay_error_place(err, config->path, section == NULL ? 0 : section->line);
}

/* For targets that name none. */
static bool find_identity(const belay_config *config, belay_target *target, belay_error *err)
{
    const char *path = belay_variables_get(&config->variables, "BELAY_IDENTITY");
    if (target->identity.count > 0 || path == NULL || *path == '\0')
        return true;
    return belay_key_set(belay_key_find(BELAY_KEY_TARGET, "identity"), path, target, err);
}

bool belay_config_store(
    belay_config *config, const char *name, char **ret_url, belay_ssh_login *ret_login, belay_error *err)
{
    const belay_ini_section *section =
        config->ini == NULL ? NULL : belay_ini_section_of(config->ini, "target", name);
    const belay_ini_entry *store = belay_ini_entry_of(section, "store");
    *ret_url = NULL;
    if (section == NULL)
        return true;
    belay_target target = {.name = belay_strdup(name), .project_root = belay_strdup(config->root)};
    if (store == NULL)
        target.store = belay_strdup("local");
    bool ok =
        (store == NULL || expand_into(config, store, &target.store, err)) && find_store(config, &target, err);
    if (ok) {
        *ret_url = belay_take(target.store_url);
        *ret_login = target.store_login;
        target.store_login = (belay_ssh_login){0};
    }
    belay_target_done(&target);
    return ok;
}

bool belay_config_target(belay_config *config, const char *name, belay_target *ret, belay_error *err)
{
    const belay_ini_section *section = NULL;
    if (!pick_section(config, name, &section, err))
        return false;
    belay_target target = {.name = belay_strdup(section == NULL ? BELAY_ENV_TARGET : section->name),
        .migrations = belay_strdup(config->migrations),
        .project_root = belay_strdup(config->root)};
    target.ssh.target = belay_strdup(target.name);
    bool ok = find_environment(config, section, &target, err) && set_defaults(&target, err) &&
              (section == NULL || set_entries(config, section, &target, err)) &&
              connect_keys(config, section, &target, err) && find_store(config, &target, err) &&
              find_identity(config, &target, err) && find_hosts(config, &target, err) &&
              check_policy(config, section, &target, err);
    if (!ok) {
        belay_target_done(&target);
        return false;
    }
    *ret = target;
    return true;
}
