#include "pg/defaults.h"

#include <libpq-fe.h>

/* The keywords that decide which database is reached, by whom. */
static const char *const place[][2] = {{"host", "PGHOST"}, {"hostaddr", "PGHOSTADDR"}, {"port", "PGPORT"},
    {"user", "PGUSER"}, {"password", "PGPASSWORD"}, {"dbname", "PGDATABASE"}};

/* No value that a service file could hold by accident. */
static const char mark[] = "belay:\x01:unset";

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++) {
        if (belay_equal(options->keyword, keyword))
            return options->val;
    }
    return NULL;
}

/* libpq reads a service file only on its way to the defaults, where the file stands in front of the
 * environment: with a mark in each variable, what is not the mark is the file's. */
static PQconninfoOption *read_service(const char *service)
{
    char *saved[BELAY_COUNT(place)];
    const char *old_service = getenv("PGSERVICE");
    BELAY_AUTO(belay_free) char *saved_service = old_service == NULL ? NULL : belay_strdup(old_service);
    for (size_t i = 0; i < BELAY_COUNT(place); i++) {
        const char *old = getenv(place[i][1]);
        saved[i] = old == NULL ? NULL : belay_strdup(old);
        setenv(place[i][1], mark, 1);
    }
    setenv("PGSERVICE", service, 1);
    PQconninfoOption *options = PQconndefaults();
    for (size_t i = 0; i < BELAY_COUNT(place); i++) {
        if (saved[i] == NULL)
            unsetenv(place[i][1]);
        else
            setenv(place[i][1], saved[i], 1);
        belay_free_secret(saved[i]);
    }
    if (saved_service == NULL)
        unsetenv("PGSERVICE");
    else
        setenv("PGSERVICE", saved_service, 1);
    return options;
}

bool belay_conninfo_add_service(belay_conninfo *info, const char *service, belay_error *err)
{
    PQconninfoOption *options = read_service(service);
    bool found = false;
    for (size_t i = 0; options != NULL && i < BELAY_COUNT(place); i++) {
        const char *value = value_of(options, place[i][0]);
        if (value == NULL || belay_equal(value, mark))
            continue;
        found = true;
        if (belay_conninfo_get(info, place[i][0]) == NULL)
            belay_conninfo_set(info, place[i][0], value);
    }
    PQconninfoFree(options);
    if (found) /* PQconndefaults passes over a missing entry in silence */
        return true;
    belay_fail(
        err, BELAY_E_CONFIG, "service \"%s\" is in no service file, or its entry names no server", service);
    return belay_error_hint(err, "libpq looks into PGSERVICEFILE, ~/.pg_service.conf and pg_service.conf in "
                                 "PGSYSCONFDIR or the system's configuration folder");
}

bool belay_conninfo_add_defaults(belay_conninfo *info, belay_error *err)
{
    PQconninfoOption *options = PQconndefaults();
    if (options == NULL)
        return belay_fail(err, BELAY_E_NO_MEMORY, "libpq has no memory for its defaults");
    static const char *const wanted[] = {"host", "port", "user"};
    for (size_t i = 0; i < BELAY_COUNT(wanted); i++) {
        const char *value = value_of(options, wanted[i]);
        if (value != NULL && belay_conninfo_get(info, wanted[i]) == NULL)
            belay_conninfo_set(info, wanted[i], value);
    }
    /* libpq takes the user's name for dbname; its own default may be that of another user than ours */
    const char *dbname = value_of(options, "dbname");
    const char *own = value_of(options, "user");
    if (dbname == NULL || (own != NULL && belay_equal(dbname, own) && getenv("PGDATABASE") == NULL))
        dbname = belay_conninfo_get(info, "user");
    if (dbname != NULL && belay_conninfo_get(info, "dbname") == NULL)
        belay_conninfo_set(info, "dbname", dbname);
    PQconninfoFree(options);
    return true;
}

char *belay_conninfo_keyword_of(const char *variable)
{
    PQconninfoOption *options = PQconndefaults();
    char *keyword = NULL;
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        if (option->envvar != NULL && belay_equal(option->envvar, variable)) {
            keyword = belay_strdup(option->keyword);
            break;
        }
    }
    PQconninfoFree(options);
    return keyword;
}
