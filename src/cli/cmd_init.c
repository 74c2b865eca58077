#include "cli/commands.h"
#include "util/file.h"

static struct {
    const char *folder;
    const char *dbname;
} o;

static const belay_option options[] = {
    {"folder", 0, "DIR", "where to write (default: here)", BELAY_OPT_TEXT, &o.folder},
    {"dbname", 0, "NAME", "database of the development target (default: the folder's name)", BELAY_OPT_TEXT,
        &o.dbname},
    BELAY_OPT_END};

enum { MAX_GITIGNORE = 1024 * 1024 };

static const char config_text[] =
    "; belay's configuration; `belay targets` shows what holds. docs/configuration.md has every key.\n"
    "\n"
    "[belay]\n"
    "migrations = migrations\n"
    "default_target = dev\n"
    "\n"
    "[target.dev]\n"
    "; development, staging or production\n"
    "environment = development\n"
    "; host, port, user and password come from .env, POSTGRES_* or PG* unless they stand here\n"
    "dbname = %s\n"
    "store = local\n"
    "\n"
    "; [target.production]\n"
    "; environment = production\n"
    "; host = ${POSTGRES_HOST}\n"
    "; user = ${POSTGRES_USER}\n"
    "; password = ${POSTGRES_PASSWORD}\n"
    "; dbname = ${POSTGRES_DB}\n"
    "; window = Sun 02:00-05:00 Europe/Berlin\n"
    "\n"
    "[store.local]\n"
    "path = backups\n";

static const char store_text[] =
    "# backups\n"
    "\n"
    "belay's local store. It writes here:\n"
    "\n"
    "- `<target>/<id>.tar`: a snapshot. It restores without belay: see the README.txt inside\n"
    "  (`tar -xOf <id>.tar README.txt`).\n"
    "- `<target>/<id>.tar.age`: an encrypted one; `age -d -i identity.txt` makes the tar of it.\n"
    "- `<snapshot>.minisig`: who signed it; `minisign -V` checks it.\n"
    "- `<target>/runs/<run-id>/journal.ndjson`: what a run did, record by record.\n"
    "- `<target>/runs/ended`: runs that are known to have ended; it may be deleted.\n"
    "- `*.part`: unfinished; may be deleted when no run is alive.\n"
    "\n"
    "Only this file is tracked by git. Snapshots hold the data of the database: keep the folder as private "
    "as\n"
    "the database itself, and keep a copy on another machine for anything that matters.\n";

static const char *const ignored[] = {"/backups/*", "!/backups/README.md", ".env", ".env.*"};

static bool put_new(
    belay_cli *cli, const char *folder, const char *name, const char *text, json_t *made, belay_error *err)
{
    BELAY_AUTO(belay_free) char *path = belay_path_join(folder, name);
    if (!belay_write_file_durably(path, text, strlen(text), belay_user_mode(0666), err))
        return false;
    belay_cli_print(cli, "wrote %s", path);
    json_array_append_new(made, json_string(path));
    return true;
}

/* The lines that are not there yet, behind what is. */
static bool add_ignored(belay_cli *cli, const char *folder, json_t *made, belay_error *err)
{
    BELAY_AUTO(belay_free) char *path = belay_path_join(folder, ".gitignore");
    BELAY_AUTO(belay_free) char *old = NULL;
    size_t length = 0;
    if (belay_file_exists(path) && !belay_read_file(path, MAX_GITIGNORE, &old, &length, err))
        return false;
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    belay_list_split(&lines, old == NULL ? "" : old, "\r\n");
    belay_str_append(&text, old == NULL ? "" : old);
    if (length > 0 && old[length - 1] != '\n')
        belay_str_append_char(&text, '\n');
    bool any = false;
    for (size_t i = 0; i < BELAY_COUNT(ignored); i++) {
        if (belay_list_has(&lines, ignored[i]))
            continue;
        belay_str_appendf(&text, "%s\n", ignored[i]);
        any = true;
    }
    return !any || put_new(cli, folder, ".gitignore", belay_str_text(&text), made, err);
}

/* Nothing is written when anything of it is there. */
static bool refuse_existing(const char *folder, belay_error *err)
{
    static const char *const names[] = {"belay.ini", "conf/belay.ini", "migrations", "backups/README.md"};
    for (size_t i = 0; i < BELAY_COUNT(names); i++) {
        BELAY_AUTO(belay_free) char *path = belay_path_join(folder, names[i]);
        if (!belay_file_exists(path))
            continue;
        belay_fail(err, BELAY_E_POLICY, "%s exists already, and `init` overwrites nothing", path);
        if (strstr(names[i], ".ini") != NULL)
            return belay_error_hint(err,
                "the project is set up: `belay doctor` checks it; to begin afresh move the old files away");
        return belay_error_hint(
            err, "move it away first; or write belay.ini by hand, docs/configuration.md shows one");
    }
    return true;
}

/* The folder's name with everything but letters, digits and _ turned into _. */
static char *name_of_folder(const char *folder)
{
    BELAY_AUTO(belay_free) char *full = realpath(folder, NULL);
    char *name = belay_strdup(full == NULL || belay_equal(full, "/") ? "app" : belay_path_base(full));
    for (char *p = name; *p != '\0'; p++) {
        bool fits = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
        else if (!fits)
            *p = '_';
    }
    return name;
}

static bool init(belay_cli *cli, json_t *made, belay_error *err)
{
    const char *folder = o.folder == NULL ? "." : o.folder;
    BELAY_AUTO(belay_free) char *migrations = belay_path_join(folder, "migrations");
    BELAY_AUTO(belay_free) char *backups = belay_path_join(folder, "backups");
    if (o.dbname != NULL && (*o.dbname == '\0' || strpbrk(o.dbname, "\r\n") != NULL))
        return belay_fail(err, BELAY_E_USAGE, "--dbname needs a name of one line");
    if (!refuse_existing(folder, err) || !belay_make_folders(migrations, belay_user_mode(0777), err) ||
        !belay_make_folders(backups, 0700, err))
        return false;
    BELAY_AUTO(belay_free) char *usual = name_of_folder(folder);
    /* A dollar in a value begins a ${VARIABLE}. */
    BELAY_AUTO(belay_str_done) belay_str dbname = BELAY_STR_INIT;
    for (const char *p = o.dbname == NULL ? usual : o.dbname; *p != '\0'; p++)
        belay_str_appendf(&dbname, *p == '$' ? "$%c" : "%c", *p);
    BELAY_AUTO(belay_free) char *config = belay_format(config_text, belay_str_text(&dbname));
    return put_new(cli, folder, "migrations/.gitkeep", "", made, err) &&
           put_new(cli, folder, "backups/README.md", store_text, made, err) &&
           add_ignored(cli, folder, made, err) && put_new(cli, folder, "belay.ini", config, made, err);
}

static int run(belay_cli *cli)
{
    belay_error err = {0};
    json_t *made = json_array();
    bool ok = init(cli, made, &err);
    if (ok)
        belay_cli_print(cli, "next: `belay doctor` checks the set-up, `belay dev` creates the database, "
                             "`belay revision -m \"...\"` begins a migration");
    return belay_cli_finish(cli, ok, json_pack("{s:b, s:o}", "ok", (int)ok, "wrote", made), &err);
}

const belay_command belay_cmd_init = {
    .name = "init",
    .group = "Set-up",
    .usage = "init [options]",
    .summary = "begin a project: belay.ini, migrations/, backups/, lines for .gitignore",
    .details =
        "Refuses (exit 3) when one of them is there; an existing .gitignore gets the missing lines only.",
    .options = options,
    .run = run,
};
