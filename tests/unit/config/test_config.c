/* The configuration as a whole: which file, which target, which value wins, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/keys.h"
#include "util/file.h"

static char folder[64];

static const char *const cleared[] = {"BELAY_CONFIG", "BELAY_ENVIRONMENT", "POSTGRES_HOST", "POSTGRES_PORT",
    "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER",
    "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGSERVICEFILE", "PGSSLMODE", "SECRET"};

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/belay-config-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    for (size_t i = 0; i < BELAY_COUNT(cleared); i++)
        unsetenv(cleared[i]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(chdir("/"), 0);
    belay_remove_tree(folder, NULL);
    return 0;
}

static void write_file(const char *name, const char *text)
{
    belay_error err = {0};
    BELAY_AUTO(belay_free) char *parent = belay_path_folder(name);
    assert_true(belay_make_folders(parent, 0700, &err));
    if (!belay_write_file_durably(name, text, strlen(text), 0600, &err))
        fail_msg("%s", err.message);
}

/* Loads and resolves; false with err. */
static bool resolve(const char *name, belay_target *ret, belay_error *err)
{
    belay_config_sources sources = {0};
    BELAY_AUTO(belay_config_free) belay_config *config = NULL;
    *err = (belay_error){0};
    return belay_config_load(&sources, &config, err) && belay_config_target(config, name, ret, err);
}

static void resolved(const char *name, belay_target *ret)
{
    belay_error err;
    if (!resolve(name, ret, &err))
        fail_msg("%s:%ld: %s", err.file, err.line, err.message);
}

static void refused(const char *ini, long line, const char *part)
{
    belay_target target;
    belay_error err;
    write_file("belay.ini", ini);
    if (resolve(NULL, &target, &err))
        fail_msg("taken: %s", ini);
    assert_int_equal(err.code, BELAY_E_CONFIG);
    if (strstr(err.message, part) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", err.message, part);
    if (err.line != line)
        fail_msg("\"%s\" at line %ld instead of %ld", err.message, err.line, line);
}

static const char *keyword(const belay_target *target, const char *name)
{
    const char *value = belay_conninfo_get(&target->connection, name);
    return value == NULL ? "" : value;
}

#define DEV "[target.dev]\nenvironment = development\n"

static void test_defaults_of_each_environment(void **state)
{
    (void)state;
    write_file("belay.ini", "[target.d]\nenvironment = development\n[target.s]\nenvironment = staging\n"
                            "[target.p]\nenvironment = production\nhost = h\ndbname = b\n");
    belay_target d, s, p;
    resolved("d", &d);
    resolved("s", &s);
    resolved("p", &p);
    assert_int_equal(d.gate, BELAY_GATE_NONE);
    assert_int_equal(s.gate, BELAY_GATE_RENAME);
    assert_int_equal(p.gate, BELAY_GATE_RENAME);
    assert_true(d.auto_apply);
    assert_false(s.auto_apply || p.auto_apply);
    assert_int_equal(d.way_back, BELAY_WAY_BACK_TWIN | BELAY_WAY_BACK_VERIFIED);
    assert_int_equal(p.way_back, BELAY_WAY_BACK_TWIN | BELAY_WAY_BACK_PROVEN);
    assert_int_equal(p.on_failure, BELAY_ON_FAILURE_RESTORE);
    assert_int_equal(p.on_unhealthy, BELAY_ON_UNHEALTHY_STOP);
    assert_true(p.snapshot && p.transaction_per_migration);
    assert_false(p.accept_loss || p.require_rehearsal);
    assert_int_equal(p.lock_timeout_ms, 5000);
    assert_int_equal(p.statement_timeout_ms, 0);
    assert_int_equal(p.long_transaction_ms, 60000);
    assert_int_equal(p.health_timeout_ms, 60000);
    assert_string_equal(p.version_table, "alembic_version");
    assert_null(p.version_table_schema);
    assert_string_equal(p.engine, "sql");
    assert_string_equal(p.maintenance_db, "postgres");
    assert_int_equal(p.jobs, 0); /* one per core */
    assert_true(belay_ends_with(p.store_url, "/backups"));
    write_file("belay.ini", "[belay]\nmigrations = ~/m\n" DEV
                            "store = own\nverify_sql = ~/v.sql\nlogs = ~/l\n[store.own]\npath = ~/b\n");
    setenv("HOME", "/home/me", 1);
    belay_target h;
    resolved(NULL, &h);
    assert_string_equal(h.store_url, "/home/me/b");
    assert_string_equal(h.migrations, "/home/me/m");
    assert_string_equal(h.verify_sql.items[0], "/home/me/v.sql");
    assert_string_equal(h.logs.items[0].path, "/home/me/l");
    belay_target_done(&h);
    belay_target_done(&d);
    belay_target_done(&s);
    belay_target_done(&p);
}

static void test_every_key_reaches_its_field(void **state)
{
    (void)state;
    write_file("belay.ini",
        "[belay]\nmigrations = db/m\ndefault_target = x\n"
        "[target.x]\nenvironment = staging\nhost = h\nport = 6000\nuser = u\ndbname = d\nsslmode = require\n"
        "store = vault\nengine = other\nwindow = Sun 02:00-05:00\nmaintenance_db = m\nssh = a@b\ngate = "
        "none\n"
        "on_failure = downgrade\non_unhealthy = restore\naccept_loss = yes\nway_back = proven "
        "verified\nsnapshot = yes\n"
        "verify_sql = a.sql, /b.sql\nhealth_url = http://x/${V}\nhealth_command = a $X ${Y}\nhealth_timeout "
        "= 2min\n"
        "health_retries = 0\nstop_command = s\nstop_command_on = one, two\nstart_command = t\n"
        "pull_command = git pull\npull_command_on = three\ncommand_timeout = 0\nhosts_at_once = 3\n"
        "logs = l, four:/var/log/b.log, /a:b, ./c:d\nlock_timeout = 250ms\n"
        "statement_timeout = 1h\nlong_transaction = 5min\ntransaction_per_migration = no\nversion_table = "
        "v\nversion_table_schema = "
        "w\n"
        "require_rehearsal = yes\nrole_map = a=b, c=d\njobs = 4\n"
        "[store.vault]\nurl = sftp://${V}/srv\n[host.one]\nssh = x@one\n[host.two]\nssh = "
        "x@two:22\n[host.three]\nssh = three\n[host.four]\nssh = four\n[plugin.p]\npath = p.so\n");
    setenv("V", "expanded", 1);
    belay_target t;
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "port"), "6000");
    assert_string_equal(keyword(&t, "sslmode"), "require");
    assert_string_equal(belay_target_dbname(&t), "d");
    assert_string_equal(t.store_url, "sftp://expanded/srv");
    assert_string_equal(t.health_url, "http://x/expanded");
    assert_string_equal(t.health_command.command, "a $X ${Y}");
    assert_int_equal(t.health_timeout_ms, 120000);
    assert_int_equal(t.health_retries, 0);
    assert_int_equal(t.gate, BELAY_GATE_NONE);
    assert_int_equal(t.on_failure, BELAY_ON_FAILURE_DOWNGRADE);
    assert_int_equal(t.on_unhealthy, BELAY_ON_UNHEALTHY_RESTORE);
    assert_int_equal(t.way_back, BELAY_WAY_BACK_PROVEN | BELAY_WAY_BACK_VERIFIED);
    assert_int_equal(t.verify_sql.count, 2);
    BELAY_AUTO(belay_free) char *a = belay_format("%s/a.sql", t.project_root);
    assert_string_equal(t.verify_sql.items[0], a);
    assert_string_equal(t.verify_sql.items[1], "/b.sql");
    assert_int_equal(t.host_count, 4);
    assert_string_equal(t.hosts[1].ssh.address, "x@two:22");
    assert_int_equal(t.stop_command.hosts.count, 2);
    assert_string_equal(t.pull_command.command, "git pull");
    assert_string_equal(t.pull_command.hosts.items[0], "three");
    assert_int_equal(t.command_timeout_ms, 0);
    assert_int_equal(t.hosts_at_once, 3);
    assert_int_equal(t.logs.count, 4);
    BELAY_AUTO(belay_free) char *l = belay_format("%s/l", t.project_root);
    BELAY_AUTO(belay_free) char *c = belay_format("%s/./c:d", t.project_root);
    assert_null(t.logs.items[0].host);
    assert_string_equal(t.logs.items[0].path, l);
    assert_string_equal(t.logs.items[1].host, "four");
    assert_string_equal(t.logs.items[1].path, "/var/log/b.log");
    assert_string_equal(t.logs.items[2].path, "/a:b");
    assert_null(t.logs.items[3].host);
    assert_string_equal(t.logs.items[3].path, c);
    assert_int_equal(t.lock_timeout_ms, 250);
    assert_int_equal(t.statement_timeout_ms, 3600000);
    assert_int_equal(t.long_transaction_ms, 300000);
    assert_false(t.transaction_per_migration);
    assert_true(t.require_rehearsal && t.accept_loss);
    assert_string_equal(t.role_map.items[1], "c=d");
    assert_int_equal(t.jobs, 4);
    assert_true(belay_ends_with(t.migrations, "/db/m"));
    belay_target_done(&t);
}

static void test_files_are_found_in_order(void **state)
{
    (void)state;
    belay_target t;
    write_file("conf/belay.ini", "[target.conf]\nenvironment = development\nverify_sql = v.sql\n");
    resolved(NULL, &t);
    assert_string_equal(t.name, "conf");
    BELAY_AUTO(belay_free) char *below = belay_format("%s/v.sql", folder);
    assert_string_equal(t.verify_sql.items[0], below); /* the root is conf's parent */
    belay_target_done(&t);
    write_file("belay.ini", "[target.here]\nenvironment = development\n");
    resolved(NULL, &t);
    assert_string_equal(t.name, "here");
    belay_target_done(&t);
    write_file("else/x.ini", "[target.named]\nenvironment = development\n");
    setenv("BELAY_CONFIG", "else/x.ini", 1);
    resolved(NULL, &t);
    assert_string_equal(t.name, "named");
    assert_true(belay_ends_with(t.project_root, "/else"));
    belay_target_done(&t);
    setenv("BELAY_CONFIG", "else/missing.ini", 1);
    belay_error err;
    assert_false(resolve(NULL, &t, &err));
    assert_int_equal(err.code, BELAY_E_CONFIG);
    assert_non_null(strstr(err.message, "else/missing.ini"));
}

static void test_the_target_is_chosen(void **state)
{
    (void)state;
    belay_target t;
    belay_error err;
    write_file("belay.ini", DEV "[target.stage]\nenvironment = staging\n");
    assert_false(resolve(NULL, &t, &err));
    assert_non_null(strstr(err.message, "which target"));
    assert_non_null(strstr(err.hint, "dev, stage"));
    assert_false(resolve("stag", &t, &err));
    assert_non_null(strstr(err.hint, "did you mean stage?"));
    resolved("stage", &t);
    belay_target_done(&t);
    refused("[belay]\ndefault_target = no\n" DEV, 0, "no target \"no\"");
    refused("[belay]\n", 0, "no target");
}

static void test_unknown_words_name_the_nearest(void **state)
{
    (void)state;
    belay_target t;
    belay_error err;
    refused(DEV "lock_timeot = 5s\n", 3, "unknown key lock_timeot");
    assert_false(resolve(NULL, &t, &err));
    assert_non_null(strstr(err.hint, "lock_timeout"));
    refused(DEV "application_name = x\n", 3, "unknown key");
    refused("[targets.dev]\n", 1, "unknown section");
    refused("[belay.x]\n", 1, "unknown section");
    refused("[target]\n", 1, "unknown section");
    refused(DEV "gate = renam\n", 3, "gate takes one of rename, none");
    assert_false(resolve(NULL, &t, &err));
    assert_non_null(strstr(err.hint, "rename"));
}

static void test_wrong_values(void **state)
{
    (void)state;
    refused(DEV "jobs = 0\n", 3, "from 1 to 64");
    refused(DEV "jobs = two\n", 3, "\"two\"");
    refused(DEV "lock_timeout = 5 parsecs\n", 3, "a duration");
    refused(DEV "lock_timeout = -1\n", 3, "a duration");
    refused(DEV "lock_timeout = 99999h\n", 3, "a shorter duration");
    refused(DEV "health_timeout = 0\n", 3, "a longer duration");
    refused(DEV "snapshot = maybe\n", 3, "yes or no");
    refused(DEV "way_back = twin, hope\n", 3, "one or several of");
    refused(DEV "way_back = ,\n", 3, "one or several of");
    refused(DEV "window = Sun\n", 3, "maintenance window");
    refused(DEV "role_map = a\n", 3, "old=new");
    refused(DEV "version_table = a b\n", 3, "one word");
    refused("[target.x]\nenvironment = prod\n", 2, "development, staging, production");
    refused(DEV "url = mysql:/x y\n", 3, "URL");
    refused(DEV "url = postgresql://h/d\nhost = i\n", 4, "named twice");
    refused(DEV "health_command_on = a\n", 0, "without health_command");
    refused(DEV "stop_command = x\nstop_command_on = a\n", 0, "no section for that host");
    refused(DEV "logs = a:/var/log/b.log\n", 0, "has a log on a, but there is no section for that host");
    refused(DEV "pull_command_on = a\n", 0, "without pull_command");
    refused(DEV "hosts_at_once = 0\n", 3, "a whole number from 1 to 64");
    refused(DEV "store = vault\n", 0, "no [store.vault]");
    refused(DEV "[store.local]\n", 3, "either path or url");
    refused(DEV "[store.local]\npath = ~\n", 4, "a folder called ~");
    refused(DEV "[store.local]\npath = ~root/backups\n", 4, "a folder called ~");
    refused(DEV "[store.local]\npath = a\nurl = b\n", 3, "either path or url");
    refused(DEV "service = nowhere\n", 1, "service");
    refused("[target.x]\nenvironment = staging\nauto_apply = yes\n", 1, "auto_apply");
    refused(DEV "snapshot = no\nway_back = verified\n", 1, "snapshot = no");
}

static void test_precedence(void **state)
{
    (void)state;
    belay_target t;
    write_file("belay.ini", DEV "host = ini\n");
    write_file(".env",
        "POSTGRES_HOST=dotenv\nPGHOSTADDR=192.0.2.1\nPOSTGRES_PORT=1\nPGUSER=dotenv_pg\nPGSSLMODE=require\n");
    setenv("POSTGRES_PORT", "2", 1);
    setenv("POSTGRES_USER", "guide", 1);
    setenv("POSTGRES_DB", "guide", 1);
    setenv("PGDATABASE", "pg", 1);
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "host"), "ini");
    assert_null(belay_conninfo_get(&t.connection, "hostaddr")); /* the host's, whose name another one said */
    assert_string_equal(keyword(&t, "port"), "1");
    assert_string_equal(keyword(&t, "user"), "dotenv_pg");
    assert_string_equal(keyword(&t, "sslmode"), "require");
    assert_string_equal(keyword(&t, "dbname"), "guide");
    belay_target_done(&t);
    unsetenv("POSTGRES_DB");
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "dbname"), "pg");
    belay_target_done(&t);
    unsetenv("PGDATABASE");
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "dbname"), "dotenv_pg"); /* libpq's own: the user's name */
    belay_target_done(&t);
}

static void test_lines_of_dotenv_come_in_any_order(void **state)
{
    (void)state;
    static const char *const orders[] = {
        "PGHOST=name\nPGHOSTADDR=192.0.2.1\n", "PGHOSTADDR=192.0.2.1\nPGHOST=name\n"};
    belay_target t;
    write_file("belay.ini", DEV "dbname = d\n");
    for (size_t i = 0; i < BELAY_COUNT(orders); i++) {
        write_file(".env", orders[i]);
        resolved(NULL, &t);
        assert_string_equal(keyword(&t, "host"), "name");
        assert_string_equal(keyword(&t, "hostaddr"), "192.0.2.1");
        belay_target_done(&t);
    }
    write_file("services", "[far]\nhostaddr=192.0.2.7\n");
    setenv("PGSERVICEFILE", "services", 1);
    write_file(".env", "PGSERVICE=far\nPGHOST=name\n");
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "hostaddr"), "192.0.2.7");
    assert_null(belay_conninfo_get(&t.connection, "host")); /* which would be another server's */
    belay_target_done(&t);
}

static void test_service_file(void **state)
{
    (void)state;
    belay_target t;
    write_file("services",
        "[bank]\nhost=servicehost\nport=5432\ndbname=servicedb\nsslmode=verify-ca\nkeepalives=0\n"
        "[far]\nhostaddr=192.0.2.7\nuser=them\n");
    setenv("PGSERVICEFILE", "services", 1);
    setenv("PGSSLMODE", "disable", 1);
    setenv("PGHOST", "wrong", 1);
    setenv("POSTGRES_PORT", "1", 1);
    write_file("belay.ini", "[target.p]\nenvironment = production\nservice = bank\nuser = u\n");
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "host"), "servicehost");
    assert_string_equal(keyword(&t, "port"), "5432");
    assert_string_equal(keyword(&t, "dbname"), "servicedb");
    assert_string_equal(keyword(&t, "sslmode"), "verify-ca");
    assert_string_equal(keyword(&t, "keepalives"), "0");
    assert_string_equal(getenv("PGHOST"), "wrong");
    assert_string_equal(getenv("PGSSLMODE"), "disable");
    assert_null(getenv("PGSERVICE"));
    belay_target_done(&t);
    unsetenv("PGSSLMODE");
    setenv("PGSERVICE", "far", 1);
    write_file("belay.ini", DEV "host = ini\n");
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "host"), "ini");
    assert_null(belay_conninfo_get(&t.connection, "hostaddr"));
    assert_string_equal(keyword(&t, "user"), "them");
    belay_target_done(&t);
    setenv("PGSERVICE", "bank", 1);
    unsetenv("PGHOST");
    write_file("belay.ini", DEV);
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "host"), "servicehost");
    assert_string_equal(keyword(&t, "sslmode"), "verify-ca");
    belay_target_done(&t);
    unsetenv("PGSERVICE");
}

static void test_production_names_itself(void **state)
{
    (void)state;
    setenv("POSTGRES_HOST", "h", 1);
    setenv("POSTGRES_DB", "d", 1);
    setenv("PGHOST", "h", 1);
    refused("[target.p]\nenvironment = production\ndbname = d\n", 1, "host is missing");
    refused("[target.p]\nenvironment = production\nhost = h\n", 1, "dbname is missing");
    refused("[target.p]\nhost = h\n", 1, "dbname is missing"); /* no environment: production */
    refused("[target.p]\nenvironment = production\nhost = ${SECRET}\n", 3, "SECRET is not set");
    belay_target t;
    write_file("belay.ini", "[target.p]\nenvironment = production\nurl = postgresql://${POSTGRES_HOST}/d2\n");
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "dbname"), "d2");
    belay_target_done(&t);
}

static void test_name_of_more_than_63_bytes(void **state)
{
    (void)state;
    belay_target t;
    static const char fits[] = "ééééééééééééééééééééééééééééééé_"; /* 63 */
    BELAY_AUTO(belay_free) char *whole = belay_format(DEV "host = h\ndbname = %s\n", fits);
    BELAY_AUTO(belay_free) char *longer = belay_format(DEV "host = h\ndbname = %sx\n", fits);
    refused(longer, 1, "has 64 bytes");
    write_file("belay.ini", whole);
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "dbname"), fits);
    belay_target_done(&t);
}

static void test_url_with_variables(void **state)
{
    (void)state;
    belay_target t;
    setenv("SECRET", "p@ss/w:rd%41?", 1);
    write_file("belay.ini", DEV "url = postgresql://u:${SECRET}@h:5433/d?sslmode=disable\n");
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "password"), "p@ss/w:rd%41?");
    assert_string_equal(keyword(&t, "host"), "h");
    belay_target_done(&t);
    setenv("SECRET", "postgresql://u2@h2/d2", 1);
    write_file("belay.ini", DEV "url = ${SECRET}\npassword = x\n");
    resolved(NULL, &t);
    assert_string_equal(keyword(&t, "dbname"), "d2");
    assert_string_equal(keyword(&t, "password"), "x");
    belay_target_done(&t);
}

static void test_other_targets_are_not_expanded(void **state)
{
    (void)state;
    belay_target t;
    write_file("belay.ini", DEV "[target.p]\nenvironment = production\nhost = ${SECRET}\ndbname = d\n");
    resolved("dev", &t);
    belay_target_done(&t);
    belay_error err;
    assert_false(resolve("p", &t, &err));
    assert_int_equal(err.line, 5);
}

static void test_target_of_the_environment(void **state)
{
    (void)state;
    belay_target t;
    belay_error err;
    assert_false(resolve(NULL, &t, &err));
    assert_int_equal(err.code, BELAY_E_CONFIG);
    assert_non_null(strstr(err.message, "POSTGRES_HOST"));
    setenv("POSTGRES_HOST", "h", 1);
    assert_false(resolve(NULL, &t, &err));
    assert_non_null(strstr(err.message, "POSTGRES_DB"));
    setenv("POSTGRES_DB", "d", 1);
    resolved(NULL, &t);
    assert_string_equal(t.name, "env");
    assert_int_equal(t.environment, BELAY_PRODUCTION);
    belay_target_done(&t);
    setenv("BELAY_ENVIRONMENT", "staging", 1);
    resolved("env", &t);
    assert_int_equal(t.environment, BELAY_STAGING);
    belay_target_done(&t);
    setenv("BELAY_ENVIRONMENT", "prod", 1);
    assert_false(resolve(NULL, &t, &err));
    setenv("BELAY_ENVIRONMENT", "development", 1);
    assert_false(resolve("other", &t, &err));
    unsetenv("POSTGRES_HOST");
    resolved(NULL, &t);
    belay_target_done(&t);
}

static void git(const char *command)
{
    BELAY_AUTO(belay_free)
    char *line = belay_format("git -c user.name=t -c user.email=t@t %s >/dev/null 2>&1", command);
    assert_int_equal(system(line), 0);
}

static void test_keys_lie_below_home(void **state)
{
    (void)state;
    belay_target t;
    BELAY_AUTO(belay_free) char *before = belay_strdup(getenv("HOME") == NULL ? "" : getenv("HOME"));
    setenv("HOME", "/home/anna", 1);
    write_file("belay.ini", DEV "ssh = app\nssh_key = ~/.ssh/id\nssh_known_hosts = keys/known\nstore = far\n"
                                "[store.far]\nurl = sftp://far/srv\nssh_key = ~/.ssh/other\n");
    resolved(NULL, &t);
    assert_string_equal(t.ssh.key, "/home/anna/.ssh/id");
    assert_true(belay_ends_with(t.ssh.known_hosts, "/keys/known"));
    assert_false(belay_starts_with(t.ssh.known_hosts, "/home/anna"));
    assert_string_equal(t.store_login.key, "/home/anna/.ssh/other");
    belay_target_done(&t);
    setenv("HOME", before, 1);
}

static void test_tracked_passwords_are_refused(void **state)
{
    (void)state;
    static const char *const literal[] = {"password = hunter2", "url = postgresql://u:hunter2@h/d",
        "url = postgresql://h/d?password=hunter2", "url = host=h password=hunter2",
        "password = ${SECRET}hunter2", "ssh_password = hunter2", "ssh_passphrase = hunter2"};
    static const char *const fine[] = {"password = ${SECRET}", "url = postgresql://u:${SECRET}@h/d",
        "url = postgresql://u@h:5432/d", "url = host=h password=${SECRET}", "password ="};
    setenv("SECRET", "s", 1);
    git("init -q .");
    belay_target t;
    belay_error err;
    write_file("belay.ini", DEV "password = hunter2\n");
    resolved(NULL, &t); /* git does not track it */
    belay_target_done(&t);
    git("add belay.ini");
    for (size_t i = 0; i < BELAY_COUNT(literal); i++) {
        BELAY_AUTO(belay_free) char *ini = belay_format(DEV "%s\n", literal[i]);
        refused(ini, 3, "git tracks this file");
        assert_false(resolve(NULL, &t, &err));
        assert_null(strstr(err.message, "hunter2"));
    }
    for (size_t i = 0; i < BELAY_COUNT(fine); i++) {
        BELAY_AUTO(belay_free) char *ini = belay_format(DEV "%s\n", fine[i]);
        write_file("belay.ini", ini);
        resolved(NULL, &t);
        belay_target_done(&t);
    }
    write_file(".env", "POSTGRES_PASSWORD=hunter2\n");
    resolved(NULL, &t);
    belay_target_done(&t);
    git("add -f .env");
    assert_false(resolve(NULL, &t, &err));
    assert_true(belay_ends_with(err.file, ".env"));
}

static void test_bad_files(void **state)
{
    (void)state;
    belay_target t;
    belay_error err;
    write_file("belay.ini", "");
    assert_false(resolve(NULL, &t, &err));
    assert_int_equal(err.code, BELAY_E_CONFIG);
    BELAY_AUTO(belay_str_done) belay_str huge = BELAY_STR_INIT;
    for (int i = 0; i < 1024 * 256 + 1; i++)
        belay_str_append(&huge, ";xx\n");
    write_file("belay.ini", belay_str_text(&huge));
    assert_false(resolve(NULL, &t, &err));
    assert_int_equal(err.code, BELAY_E_CONFIG);
    unlink("belay.ini");
    assert_int_equal(mkdir("belay.ini", 0700), 0);
    assert_false(resolve(NULL, &t, &err));
    assert_int_equal(err.code, BELAY_E_CONFIG);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {T(test_defaults_of_each_environment),
        T(test_every_key_reaches_its_field), T(test_files_are_found_in_order), T(test_the_target_is_chosen),
        T(test_unknown_words_name_the_nearest), T(test_wrong_values), T(test_precedence),
        T(test_lines_of_dotenv_come_in_any_order), T(test_service_file), T(test_production_names_itself),
        T(test_name_of_more_than_63_bytes), T(test_url_with_variables),
        T(test_other_targets_are_not_expanded), T(test_target_of_the_environment),
        T(test_keys_lie_below_home), T(test_tracked_passwords_are_refused), T(test_bad_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
