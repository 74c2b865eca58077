/* The configuration: belay.ini, .env, environment; CONTRACT.md has the rules.
 *
 *     belay_config_load(&sources, &config, err)            reads and checks the file
 *     belay_config_target(config, name, &target, err)      expands ${VAR} and resolves one target
 *
 * Errors name file and line and are BELAY_E_CONFIG. Values of secrets never appear in them. The main thread
 * only: the environment is read.
 */
#ifndef BELAY_CONFIG_CONFIG_H
#define BELAY_CONFIG_CONFIG_H

#include "config/target.h"
#include "util/error.h"
#include "util/mem.h"

typedef struct belay_config belay_config;

/* The target that the POSTGRES_* variables make when there is no belay.ini. */
#define BELAY_ENV_TARGET "env"

typedef struct belay_config_sources {
    const char *config_path; /* -c, NULL: BELAY_CONFIG, ./belay.ini, conf/belay.ini */
    const char *env_file;    /* --env-file, NULL: <project root>/.env when it exists */
} belay_config_sources;

/* Succeeds without any file too; the POSTGRES_* variables then make the target `env`. */
bool belay_config_load(const belay_config_sources *sources, belay_config **ret, belay_error *err);
void belay_config_free(belay_config *config);
BELAY_DEFINE_AUTO(belay_config, belay_config_free)

/* name NULL: default_target, or the only one. *ret is filled; free with belay_target_done. */
bool belay_config_target(belay_config *config, const char *name, belay_target *ret, belay_error *err);
/* Where a target's snapshots are (store_url), and how to log in there (store_login); nothing else of it is
 * resolved. *ret_url is NULL, and true is returned, when the file has no such target. The caller frees. */
bool belay_config_store(
    belay_config *config, const char *target, char **ret_url, belay_ssh_login *ret_login, belay_error *err);
void belay_config_target_names(const belay_config *config, belay_list *ret);
const char *belay_config_default_target(const belay_config *config); /* NULL: not configured */
const char *belay_config_path(const belay_config *config);           /* NULL without a file */
const char *belay_config_migrations(const belay_config *config);     /* absolute */

#endif
