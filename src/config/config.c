#include "config/config.h"

#include <stdio.h>
#include <unistd.h>

struct belay_config {
    char *root;
    char *migrations;
};

bool belay_config_load(const belay_config_sources *sources, belay_config **ret, belay_error *err)
{
    (void)sources;
    (void)err;
    belay_config *config = belay_alloc(sizeof *config);
    char *folder = getcwd(NULL, 0);
    config->root = belay_strdup(folder == NULL ? "." : folder);
    free(folder);
    config->migrations = belay_format("%s/migrations", config->root);
    *ret = config;
    return true;
}

void belay_config_free(belay_config *config)
{
    if (config == NULL)
        return;
    free(config->root);
    free(config->migrations);
    free(config);
}

bool belay_config_target(belay_config *config, const char *name, belay_target *ret, belay_error *err)
{
    (void)err;
    static const char *const variables[][2] = {{"host", "POSTGRES_HOST"}, {"port", "POSTGRES_PORT"},
        {"user", "POSTGRES_USER"}, {"password", "POSTGRES_PASSWORD"}, {"dbname", "POSTGRES_DB"}};
    *ret = (belay_target){0};
    for (size_t i = 0; i < BELAY_COUNT(variables); i++) {
        const char *value = getenv(variables[i][1]);
        if (value != NULL)
            belay_conninfo_set(&ret->connection, variables[i][0], value);
    }
    ret->name = belay_strdup(name == NULL ? "env" : name);
    ret->store = belay_strdup("local");
    ret->store_url = belay_format("%s/backups", config->root);
    ret->engine = belay_strdup("sql");
    ret->maintenance_db = belay_strdup("postgres");
    ret->snapshot = true;
    ret->lock_timeout_ms = 5000;
    ret->transaction_per_migration = true;
    ret->version_table = belay_strdup("alembic_version");
    ret->jobs = 1;
    ret->migrations = belay_strdup(config->migrations);
    ret->project_root = belay_strdup(config->root);
    return true;
}

void belay_config_target_names(const belay_config *config, belay_list *ret)
{
    (void)config;
    belay_list_add(ret, "env");
}

const char *belay_config_path(const belay_config *config)
{
    (void)config;
    return NULL;
}

const char *belay_config_project_root(const belay_config *config)
{
    return config->root;
}

const char *belay_config_migrations(const belay_config *config)
{
    return config->migrations;
}
