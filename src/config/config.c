#include "config/config.h"

#include <errno.h>
#include <unistd.h>

#include "config/config_internal.h"
#include "config/keys.h"
#include "config/tracked.h"
#include "util/file.h"

static bool has_literal_password(const belay_ini_entry *entry)
{
    if (entry->value[0] == '\0' || !belay_key_is_secret(entry->key))
        return false;
    return belay_equal(entry->key, "url") ? belay_url_has_literal_password(entry->value)
                                          : belay_text_is_literal(entry->value);
}

static bool refuse_tracked(
    const char *path, long line, const char *key, const char *way_out, belay_error *err)
{
    belay_fail(err, BELAY_E_CONFIG, "key %s: the password stands here, and git tracks this file", key);
    belay_error_hint(err, "%s; then change the password, since git's history still has it", way_out);
    return belay_error_place(err, path, line);
}

/* Never commit credentials: only files with a literal password cost a call of git. */
static bool check_passwords(const belay_config *config, belay_error *err)
{
    for (size_t i = 0; config->ini != NULL && i < config->ini->count; i++) {
        const belay_ini_section *section = &config->ini->sections[i];
        for (size_t j = 0; j < section->count; j++) {
            const belay_ini_entry *entry = &section->entries[j];
            if (has_literal_password(entry))
                return !belay_git_tracks(config->path) ||
                       refuse_tracked(config->path, entry->line, entry->key,
                           "write ${VARIABLE} and set it in CI's secrets or in an untracked .env, as "
                           "POSTGRES_PASSWORD",
                           err);
        }
    }
    const belay_variables *variables = &config->variables;
    for (size_t i = 0; i < variables->names.count; i++) {
        const char *name = variables->names.items[i];
        const char *value = variables->values.items[i];
        if (value[0] != '\0' && (strstr(name, "PASSWORD") != NULL || strstr(name, "PASSPHRASE") != NULL ||
                                    belay_url_has_literal_password(value)))
            return !belay_git_tracks(variables->path) ||
                   refuse_tracked(variables->path, 0, name,
                       "`git rm --cached` takes it out of git, a line in .gitignore keeps it out", err);
    }
    return true;
}

static bool unknown_section(const belay_config *config, const belay_ini_section *section, belay_error *err)
{
    belay_fail(err, BELAY_E_CONFIG, "unknown section [%s%s%s]", section->kind,
        section->name == NULL ? "" : ".", section->name == NULL ? "" : section->name);
    belay_error_hint(err, "sections are [belay], [target.NAME], [store.NAME], [host.NAME] and [plugin.NAME]");
    return belay_error_place(err, config->path, section->line);
}

static bool unknown_key(const belay_config *config, const belay_ini_section *section, belay_key_kind kind,
    const belay_ini_entry *entry, belay_error *err)
{
    belay_fail(err, BELAY_E_CONFIG, "unknown key %s in [%s%s%s]", entry->key, section->kind,
        section->name == NULL ? "" : ".", section->name == NULL ? "" : section->name);
    const char *nearest = belay_key_nearest(kind, entry->key);
    if (nearest != NULL)
        belay_error_hint(err, "did you mean %s?", nearest);
    else
        belay_error_hint(err, "docs/configuration.md lists the keys of each section");
    return belay_error_place(err, config->path, entry->line);
}

static bool check_sections(const belay_config *config, belay_error *err)
{
    for (size_t i = 0; i < config->ini->count; i++) {
        const belay_ini_section *section = &config->ini->sections[i];
        belay_key_kind kind;
        if (!belay_key_kind_find(section->kind, &kind) ||
            (kind == BELAY_KEY_BELAY) != (section->name == NULL))
            return unknown_section(config, section, err);
        for (size_t j = 0; j < section->count; j++) {
            if (belay_key_find(kind, section->entries[j].key) == NULL)
                return unknown_key(config, section, kind, &section->entries[j], err);
        }
    }
    return true;
}

/* -c, BELAY_CONFIG, ./belay.ini, conf/belay.ini. The first two must exist. NULL: none. */
static bool find_file(const belay_config_sources *sources, char **ret, belay_error *err)
{
    const char *named = sources->config_path != NULL ? sources->config_path : getenv("BELAY_CONFIG");
    static const char *const usual[] = {"belay.ini", "conf/belay.ini"};
    if (named != NULL && *named != '\0') {
        *ret = realpath(named, NULL);
        if (*ret != NULL)
            return true;
        belay_fail(err, BELAY_E_CONFIG, "there is no configuration file %s: %s", named, strerror(errno));
        return belay_error_hint(err, "%s names it; `belay init` writes a new one",
            sources->config_path != NULL ? "-c" : "BELAY_CONFIG");
    }
    *ret = NULL;
    for (size_t i = 0; i < BELAY_COUNT(usual) && *ret == NULL; i++)
        *ret = realpath(usual[i], NULL);
    return true;
}

static bool read_ini(belay_config *config, belay_error *err)
{
    char *text = NULL;
    size_t length = 0;
    if (!belay_read_file(config->path, BELAY_INI_MAX_FILE, &text, &length, err)) {
        if (err != NULL)
            err->code = BELAY_E_CONFIG;
        return false;
    }
    bool ok = belay_ini_parse(text, length, config->path, &config->ini, err);
    explicit_bzero(text, length);
    free(text);
    return ok && check_sections(config, err);
}

static bool find_root(belay_config *config, belay_error *err)
{
    if (config->path == NULL) {
        config->root = getcwd(NULL, 0);
        return config->root != NULL || belay_fail_errno(err, errno, "cannot tell the current folder");
    }
    config->root = belay_path_folder(config->path);
    if (belay_equal(belay_path_base(config->root), "conf")) {
        char *parent = belay_path_folder(config->root);
        free(config->root);
        config->root = parent;
    }
    return true;
}

static bool read_env_file(belay_config *config, const char *named, belay_error *err)
{
    BELAY_AUTO(belay_free) char *usual = belay_path_join(config->root, ".env");
    if (named == NULL && !belay_file_exists(usual))
        return true;
    return belay_variables_load(&config->variables, named == NULL ? usual : named, err);
}

bool belay_config_load(const belay_config_sources *sources, belay_config **ret, belay_error *err)
{
    BELAY_AUTO(belay_config_free) belay_config *config = belay_alloc(sizeof *config);
    if (!find_file(sources, &config->path, err) || !find_root(config, err))
        return false;
    if (config->path != NULL && !read_ini(config, err))
        return false;
    if (!read_env_file(config, sources->env_file, err) || !check_passwords(config, err))
        return false;
    const belay_ini_section *own =
        config->ini == NULL ? NULL : belay_ini_section_of(config->ini, "belay", NULL);
    const belay_ini_entry *migrations = belay_ini_entry_of(own, "migrations");
    const char *folder =
        migrations == NULL ? belay_key_find(BELAY_KEY_BELAY, "migrations")->defaults[0] : migrations->value;
    config->migrations = belay_config_file(config->root, folder);
    *ret = belay_take(config);
    return true;
}

void belay_config_free(belay_config *config)
{
    if (config == NULL)
        return;
    free(config->path);
    free(config->root);
    free(config->migrations);
    belay_ini_free(config->ini);
    belay_variables_done(&config->variables);
    free(config);
}

void belay_config_target_names(const belay_config *config, belay_list *ret)
{
    if (config->ini == NULL) {
        belay_list_add(ret, BELAY_ENV_TARGET);
        return;
    }
    for (size_t i = 0; i < config->ini->count; i++) {
        if (belay_equal(config->ini->sections[i].kind, "target"))
            belay_list_add(ret, config->ini->sections[i].name);
    }
}

const char *belay_config_default_target(const belay_config *config)
{
    const belay_ini_section *own =
        config->ini == NULL ? NULL : belay_ini_section_of(config->ini, "belay", NULL);
    const belay_ini_entry *entry = belay_ini_entry_of(own, "default_target");
    return entry == NULL ? NULL : entry->value;
}

const char *belay_config_path(const belay_config *config)
{
    return config->path;
}

const char *belay_config_migrations(const belay_config *config)
{
    return config->migrations;
}
