/* A target as the configuration says it, resolved: every key has its value or its default. Read-only after
 * loading. */
#ifndef BELAY_CONFIG_TARGET_H
#define BELAY_CONFIG_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "pg/dialer.h"
#include "util/str.h"

typedef enum belay_environment { BELAY_DEVELOPMENT, BELAY_STAGING, BELAY_PRODUCTION } belay_environment;
typedef enum belay_gate_mode { BELAY_GATE_RENAME, BELAY_GATE_NONE } belay_gate_mode;
/* What follows a failure that committed something. */
typedef enum belay_on_failure {
    BELAY_ON_FAILURE_RESTORE,
    BELAY_ON_FAILURE_DOWNGRADE,
    BELAY_ON_FAILURE_STOP
} belay_on_failure;
/* What follows a failed health check after the gate is open. */
typedef enum belay_on_unhealthy { BELAY_ON_UNHEALTHY_STOP, BELAY_ON_UNHEALTHY_RESTORE } belay_on_unhealthy;
/* The least that deploy wants before it changes anything. */
typedef enum belay_way_back {
    BELAY_WAY_BACK_TWIN = 1,
    BELAY_WAY_BACK_VERIFIED = 2,
    BELAY_WAY_BACK_PROVEN = 4
} belay_way_back;

/* How a snapshot writes rows. */
typedef enum belay_copy_format {
    BELAY_COPY_FORMAT_AUTO, /* binary where every column's type allows it, text elsewhere */
    BELAY_COPY_FORMAT_TEXT,
    BELAY_COPY_FORMAT_BINARY /* of every table, or no snapshot */
} belay_copy_format;

typedef struct belay_host_command {
    char *command;    /* shell text, NULL: none */
    belay_list hosts; /* host names of *_on; empty: this machine */
} belay_host_command;

/* The application's log files. */
typedef struct belay_log_file {
    char *host; /* of a [host.*]; NULL: this machine */
    char *path; /* absolute here; on a host also relative to the login's home */
} belay_log_file;
typedef struct belay_log_files {
    belay_log_file *items;
    size_t count;
} belay_log_files;

/* How to log in to an SSH server (remote/endpoint.h); what is NULL is left to the user's ssh_config. */
typedef struct belay_ssh_login {
    char *address;     /* [user@]host[:port], [::1]:22, or an alias of ssh_config(5); NULL: no server */
    char *key;         /* file of a private key, tried before those of ssh_config */
    char *passphrase;  /* of key files */
    char *password;    /* given: logging in with it is allowed, after all keys */
    char *known_hosts; /* file of host keys, instead of the usual ones */
    char *target;      /* whose it is, for hints; NULL: of none */
} belay_ssh_login;
void belay_ssh_login_copy(belay_ssh_login *to, const belay_ssh_login *from);
void belay_ssh_login_done(belay_ssh_login *login); /* zeroes the secrets */
static inline void belay_ssh_login_done_p(belay_ssh_login *login)
{
    belay_ssh_login_done(login);
}

typedef struct belay_host {
    char *name;
    belay_ssh_login ssh;
} belay_host;

typedef struct belay_target {
    char *name;
    belay_environment environment;
    belay_conninfo connection; /* keywords for libpq, all sources merged; has dbname */
    bool auto_apply;
    char *store;                 /* name of the store */
    char *store_url;             /* resolved: absolute local path, or sftp://... */
    belay_ssh_login store_login; /* for sftp://, which has the address */
    char *engine;                /* "sql" */
    char *maintenance_db;        /* "postgres" */
    belay_ssh_login ssh;         /* address NULL: direct */
    belay_gate_mode gate;
    belay_on_failure on_failure;
    belay_on_unhealthy on_unhealthy;
    bool accept_loss;
    /* Set of belay_way_back that suffice; a proven snapshot is also a verified one. Default: a twin or a
     * verified snapshot, in production a twin or a proven one. */
    unsigned way_back;
    bool snapshot;
    belay_list verify_sql; /* absolute paths */
    char *health_url;
    int64_t health_timeout_ms; /* all tries together */
    int health_retries;        /* after the first try */
    belay_host_command health_command;
    belay_host_command stop_command;
    belay_host_command start_command;
    belay_host_command pull_command;
    int64_t command_timeout_ms; /* of stop, start and pull, on each host; 0: none */
    int hosts_at_once;
    belay_log_files logs;
    int64_t lock_timeout_ms;
    int64_t statement_timeout_ms;   /* 0: none */
    int64_t long_transaction_ms;    /* others' transactions that pre-flight warns of */
    bool transaction_per_migration; /* false: one transaction for the whole run */
    char *version_table;
    char *version_table_schema; /* NULL: first of the search_path, as Alembic does */
    bool require_rehearsal;
    belay_list role_map; /* "old=new" */
    /* Which snapshots `prune` leaves (pipeline/retention.h). */
    int keep_last, keep_daily, keep_weekly, keep_monthly;
    int64_t keep_for_ms;           /* 0: none */
    int64_t keep_databases_for_ms; /* failed databases, twins, scratch copies */
    int jobs;                      /* 0: one per core */
    belay_copy_format format;
    uint64_t rate_bytes_per_s; /* to and from the store; 0: no limit */
    belay_list encrypt_to;     /* recipients of age, or paths of files of them, below project_root */
    belay_list identity;       /* absolute paths of age's identity files */
    char *sign_with;           /* absolute path of minisign's private key; NULL: snapshots are not signed */
    belay_list require_signature; /* public keys of minisign, or paths of their files, below project_root */
    belay_host *hosts;            /* the [host.*] that the *_on keys name */
    size_t host_count;
    char *window;       /* NULL: always */
    char *migrations;   /* absolute folder */
    char *project_root; /* absolute folder */
} belay_target;

const char *belay_environment_name(belay_environment environment);
/* False when there is none of that name. */
bool belay_copy_format_find(const char *name, belay_copy_format *ret);
/* The target's own database. */
static inline const char *belay_target_dbname(const belay_target *target)
{
    return belay_conninfo_get(&target->connection, "dbname");
}
void belay_target_done(belay_target *target);

#endif
