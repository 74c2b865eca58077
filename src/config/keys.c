#include "config/keys.h"

#include <limits.h>

#include "util/suggest.h"

#define FIELD(name)             .offset = offsetof(belay_target, name)
#define EVERYWHERE(value)       .defaults = {value, value, value}
#define PER(dev, staging, prod) .defaults = {dev, staging, prod}
#define T(key_name, key_type)   .kind = BELAY_KEY_TARGET, .name = key_name, .type = BELAY_TYPE_##key_type

static const belay_key key_table[] = {
    {.kind = BELAY_KEY_BELAY,
        .name = "migrations",
        .type = BELAY_TYPE_FILE,
        EVERYWHERE("migrations"),
        .help = "folder of the migration files"},
    {.kind = BELAY_KEY_BELAY,
        .name = "default_target",
        .type = BELAY_TYPE_FILE,
        .help = "target of a command that names none (default: the only one)"},

    {T("environment", CHOICE), FIELD(environment), .choices = "development staging production",
        EVERYWHERE("production"), .help = "what the target is for; decides defaults and what is allowed"},
    {T("url", CONNECTION), .secret = true,
        .help = "postgresql://user@host:port/dbname, instead of the keys below"},
    {T("host", CONNECTION), .help = "server's name, address, or the folder of its socket"},
    {T("port", CONNECTION), .help = "server's port"},
    {T("user", CONNECTION), .help = "role to connect as"},
    {T("password", CONNECTION), .secret = true, .help = "its password, best as ${VARIABLE}"},
    {T("dbname", CONNECTION), .help = "the database"},
    {T("service", CONNECTION), .help = "entry of pg_service.conf that has the keys above"},

    {T("auto_apply", BOOL), FIELD(auto_apply), PER("yes", "no", "no"),
        .help = "may `belay dev` apply pending migrations by itself; development only"},
    {T("store", WORD), FIELD(store), EVERYWHERE("local"),
        .help = "name of the [store.*] for snapshots and journals"},
    {T("engine", WORD), FIELD(engine), EVERYWHERE("sql"), .help = "what applies the migrations"},
    {T("window", WINDOWS), FIELD(window),
        .help = "maintenance windows, as Sun 02:00-05:00 Europe/Berlin (default: always)"},
    {T("maintenance_db", WORD), FIELD(maintenance_db), EVERYWHERE("postgres"),
        .help = "database from which locks are held and databases renamed"},
    {T("ssh", WORD), FIELD(ssh.address),
        .help =
            "user@host[:port], or an alias of ssh_config, to reach the server through (default: directly)"},
    {T("ssh_key", PATH), FIELD(ssh.key),
        .help = "file of the private key to log in there with, before those of ssh_config"},
    {T("ssh_passphrase", TEXT), FIELD(ssh.passphrase), .secret = true,
        .help = "passphrase of the key, best as ${VARIABLE} (default: asked for on a terminal)"},
    {T("ssh_password", TEXT), FIELD(ssh.password), .secret = true,
        .help = "password to log in with where no key is accepted (default: passwords are not used)"},
    {T("ssh_known_hosts", PATH), FIELD(ssh.known_hosts),
        .help = "file of host keys, instead of ~/.ssh/known_hosts and the system's"},
    {T("gate", CHOICE), FIELD(gate), .choices = "rename none", PER("none", "rename", "rename"),
        .help = "how a run keeps everyone else out"},
    {T("on_failure", CHOICE), FIELD(on_failure), .choices = "restore downgrade stop", EVERYWHERE("restore"),
        .help = "what follows a migration that failed after it committed something"},
    {T("on_unhealthy", CHOICE), FIELD(on_unhealthy), .choices = "stop restore", EVERYWHERE("stop"),
        .help = "what follows a failed health check after the gate is open"},
    {T("accept_loss", BOOL), FIELD(accept_loss), EVERYWHERE("no"),
        .help = "may a restore drop what others wrote during a run without a gate"},
    {T("way_back", SET), FIELD(way_back), .choices = "twin verified proven",
        PER("twin, verified", "twin, verified", "twin, proven"),
        .help = "what must exist before anything is changed; any one of these suffices"},
    {T("snapshot", BOOL), FIELD(snapshot), EVERYWHERE("yes"), .help = "does a deploy take a snapshot"},
    {T("verify_sql", PATHS), FIELD(verify_sql), .help = "SQL files that must pass after migrating"},
    {T("health_url", WORD), FIELD(health_url), .help = "URL that must answer 2xx after the gate is open"},
    {T("health_command", COMMAND), FIELD(health_command),
        .help = "shell command that must exit 0 after the gate is open"},
    {T("health_command_on", HOSTS), FIELD(health_command),
        .help = "[host.*] to run it on (default: this machine)"},
    {T("health_timeout", DURATION), FIELD(health_timeout_ms), EVERYWHERE("60s"), .least = 1, .most = 86400000,
        .help = "time that all health checks have together"},
    {T("health_retries", NUMBER), FIELD(health_retries), EVERYWHERE("5"), .least = 0, .most = 1000,
        .help = "how often a failed health check is tried again"},
    {T("stop_command", COMMAND), FIELD(stop_command),
        .help = "shell command that stops the application before the gate closes"},
    {T("stop_command_on", HOSTS), FIELD(stop_command),
        .help = "[host.*] to run it on (default: this machine)"},
    {T("start_command", COMMAND), FIELD(start_command), .help = "shell command that starts it again"},
    {T("start_command_on", HOSTS), FIELD(start_command),
        .help = "[host.*] to run it on (default: this machine)"},
    {T("pull_command", COMMAND), FIELD(pull_command),
        .help = "shell command that fetches the latest code, before a deploy makes its plan"},
    {T("pull_command_on", HOSTS), FIELD(pull_command),
        .help = "[host.*] to run it on (default: this machine)"},
    {T("command_timeout", DURATION), FIELD(command_timeout_ms), EVERYWHERE("5min"), .most = INT_MAX,
        .help = "longest run of a stop, start or pull command on each host; 0: no limit"},
    {T("hosts_at_once", NUMBER), FIELD(hosts_at_once), EVERYWHERE("1"), .least = 1, .most = 64,
        .help = "on how many of its hosts a command runs at a time; 1: in the order written"},
    {T("logs", LOGS), FIELD(logs),
        .help = "the application's log files, as PATH, or HOST:PATH on a [host.*]"},
    {T("lock_timeout", DURATION), FIELD(lock_timeout_ms), EVERYWHERE("5s"), .most = INT_MAX,
        .help = "how long a migration waits for a lock before it is tried again"},
    {T("statement_timeout", DURATION), FIELD(statement_timeout_ms), EVERYWHERE("0"), .most = INT_MAX,
        .help = "longest run of one statement of a migration; 0: no limit"},
    {T("long_transaction", DURATION), FIELD(long_transaction_ms), EVERYWHERE("60s"), .most = INT_MAX,
        .help = "how long others' transactions may be open before pre-flight warns of them"},
    {T("transaction_per_migration", BOOL), FIELD(transaction_per_migration), EVERYWHERE("yes"),
        .help = "one transaction for each revision (no: one for the whole run)"},
    {T("version_table", WORD), FIELD(version_table), EVERYWHERE("alembic_version"),
        .help = "table that records the revision"},
    {T("version_table_schema", WORD), FIELD(version_table_schema),
        .help = "its schema (default: first of the search_path)"},
    {T("require_rehearsal", BOOL), FIELD(require_rehearsal), EVERYWHERE("no"),
        .help = "does a deploy need a rehearsal of the same revisions before"},
    {T("role_map", RENAMES), FIELD(role_map), .help = "roles to rename in a restore, as old=new"},
    {T("keep_last", NUMBER), FIELD(keep_last), EVERYWHERE("5"), .least = 1, .most = 1000000,
        .help = "newest snapshots that `prune` keeps"},
    {T("keep_daily", NUMBER), FIELD(keep_daily), EVERYWHERE("0"), .most = 1000000,
        .help = "and the last one of each of so many days (UTC)"},
    {T("keep_weekly", NUMBER), FIELD(keep_weekly), EVERYWHERE("0"), .most = 1000000,
        .help = "and the last one of each of so many weeks, Monday to Sunday"},
    {T("keep_monthly", NUMBER), FIELD(keep_monthly), EVERYWHERE("0"), .most = 1000000,
        .help = "and the last one of each of so many months"},
    {T("keep_for", DURATION), FIELD(keep_for_ms), EVERYWHERE("0"), .most = LLONG_MAX,
        .help = "and all that are at most so much older than the newest, as 30d; 0: no such rule"},
    {T("keep_databases_for", DURATION), FIELD(keep_databases_for_ms), EVERYWHERE("7d"), .most = LLONG_MAX,
        .help = "how old kept failed databases, twins and scratch copies get before `prune --databases` "
                "drops them"},
    {T("jobs", NUMBER), FIELD(jobs), .least = 1, .most = 64,
        .help =
            "connections that a snapshot, a restore or a comparison uses at once (default: one per core)"},
    {T("format", CHOICE), FIELD(format), .choices = "auto text binary", EVERYWHERE("auto"),
        .help = "of COPY for the rows of a snapshot; binary refuses tables whose types allow text only"},
    {T("rate", RATE), FIELD(rate_bytes_per_s), EVERYWHERE("0"),
        .help = "most that goes to or from the store, as 50MB/s; 0: no limit"},
    {T("encrypt_to", WORDS), FIELD(encrypt_to),
        .help = "age recipients (age1...), or files of them, that snapshots are encrypted to"},
    {T("identity", PATHS), FIELD(identity),
        .help = "files of age's private keys, to read encrypted snapshots (default: BELAY_IDENTITY)"},
    {T("sign_with", PATH), FIELD(sign_with),
        .help = "file of minisign's private key, without a password, that snapshots are signed with"},
    {T("require_signature", WORDS), FIELD(require_signature),
        .help = "minisign's public keys, or files of them: only snapshots that one of them signed are used"},

    {.kind = BELAY_KEY_STORE, .name = "path", .type = BELAY_TYPE_FILE, .help = "local folder"},
    {.kind = BELAY_KEY_STORE,
        .name = "url",
        .type = BELAY_TYPE_FILE,
        .secret = true,
        .help = "sftp://user@host[:port]/folder, instead of path"},
    {.kind = BELAY_KEY_STORE, .name = "ssh_key", .type = BELAY_TYPE_FILE, .help = "as of a target"},
    {.kind = BELAY_KEY_STORE,
        .name = "ssh_passphrase",
        .type = BELAY_TYPE_FILE,
        .secret = true,
        .help = "as of a target"},
    {.kind = BELAY_KEY_STORE,
        .name = "ssh_password",
        .type = BELAY_TYPE_FILE,
        .secret = true,
        .help = "as of a target"},
    {.kind = BELAY_KEY_STORE, .name = "ssh_known_hosts", .type = BELAY_TYPE_FILE, .help = "as of a target"},
    {.kind = BELAY_KEY_HOST,
        .name = "ssh",
        .type = BELAY_TYPE_FILE,
        .help = "user@host[:port], or an alias of ssh_config"},
    {.kind = BELAY_KEY_HOST, .name = "ssh_key", .type = BELAY_TYPE_FILE, .help = "as of a target"},
    {.kind = BELAY_KEY_HOST,
        .name = "ssh_passphrase",
        .type = BELAY_TYPE_FILE,
        .secret = true,
        .help = "as of a target"},
    {.kind = BELAY_KEY_HOST,
        .name = "ssh_password",
        .type = BELAY_TYPE_FILE,
        .secret = true,
        .help = "as of a target"},
    {.kind = BELAY_KEY_HOST, .name = "ssh_known_hosts", .type = BELAY_TYPE_FILE, .help = "as of a target"},
    {.kind = BELAY_KEY_PLUGIN,
        .name = "path",
        .type = BELAY_TYPE_FILE,
        .help = "file of the loadable module"},
};

static const char *const kind_names[] = {"belay", "target", "store", "host", "plugin"};

const belay_key *belay_keys(size_t *ret_count)
{
    *ret_count = BELAY_COUNT(key_table);
    return key_table;
}

const char *belay_key_kind_name(belay_key_kind kind)
{
    return kind_names[kind];
}

bool belay_key_kind_find(const char *name, belay_key_kind *ret)
{
    for (size_t i = 0; i < BELAY_COUNT(kind_names); i++) {
        if (belay_equal(kind_names[i], name)) {
            *ret = (belay_key_kind)i;
            return true;
        }
    }
    return false;
}

/* libpq knows these, but belay sets them itself. */
static bool is_reserved(const char *keyword)
{
    static const char *const reserved[] = {
        "application_name", "fallback_application_name", "client_encoding", "replication"};
    for (size_t i = 0; i < BELAY_COUNT(reserved); i++) {
        if (belay_equal(reserved[i], keyword))
            return true;
    }
    return false;
}

bool belay_key_is_secret(const char *keyword)
{
    return belay_equal(keyword, "password") || belay_equal(keyword, "sslpassword") ||
           belay_equal(keyword, "ssh_password") || belay_equal(keyword, "ssh_passphrase") ||
           belay_equal(keyword, "url");
}

const belay_key *belay_key_find(belay_key_kind kind, const char *name)
{
    static const belay_key plain = {T("", CONNECTION)};
    static const belay_key secret = {T("", CONNECTION), .secret = true};
    for (size_t i = 0; i < BELAY_COUNT(key_table); i++) {
        if (key_table[i].kind == kind && belay_equal(key_table[i].name, name))
            return &key_table[i];
    }
    if (kind != BELAY_KEY_TARGET || is_reserved(name) || !belay_conninfo_is_keyword(name))
        return NULL;
    return belay_key_is_secret(name) ? &secret : &plain;
}

const char *belay_key_nearest(belay_key_kind kind, const char *name)
{
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    for (size_t i = 0; i < BELAY_COUNT(key_table); i++) {
        if (key_table[i].kind == kind)
            belay_list_add(&names, key_table[i].name);
    }
    const char *nearest = belay_nearest(name, &names);
    return nearest == NULL ? NULL : belay_key_find(kind, nearest)->name;
}
