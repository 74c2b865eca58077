#include "pg/defaults.h"

#include <stdio.h>

#include "pg/pg_internal.h"

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

/* Sets a variable, or with NULL takes it away. What it was is the caller's. */
static char *exchange(const char *variable, const char *value)
{
    const char *old = getenv(variable);
    char *saved = old == NULL ? NULL : belay_strdup(old);
    if (value == NULL)
        unsetenv(variable);
    else
        setenv(variable, value, 1);
    return saved;
}

static void put_back(const char *variable, char *saved)
{
    belay_free_secret(exchange(variable, saved));
    belay_free_secret(saved);
}

static bool is_service(const PQconninfoOption *option)
{
    return belay_equal(option->keyword, "service");
}

/* Where the entry is, which libpq 19 takes for a keyword, too. */
static bool is_service_file(const PQconninfoOption *option)
{
    return belay_equal(option->keyword, "servicefile");
}

static bool is_marked(const PQconninfoOption *option)
{
    return option->envvar != NULL && !is_service_file(option);
}

/* libpq reads a service file only on its way to the defaults, where the file stands in front of the
 * environment: with a mark in each variable, what is not the mark is the file's. */
static PQconninfoOption *read_service(const char *service)
{
    enum { VARIABLES_MAX = 100 };
    char *saved[VARIABLES_MAX];
    size_t count = 0;
    PQconninfoOption *all = PQconndefaults();
    for (const PQconninfoOption *o = all; o != NULL && o->keyword != NULL && count < VARIABLES_MAX; o++)
        saved[count++] = is_marked(o) ? exchange(o->envvar, is_service(o) ? service : mark) : NULL;
    PQconninfoOption *options = PQconndefaults();
    for (size_t i = 0; i < count; i++) {
        if (is_marked(&all[i]))
            put_back(all[i].envvar, saved[i]);
    }
    PQconninfoFree(all);
    return options;
}

/* Which of the two names a server is decided by whoever names one first. */
static bool is_taken(const belay_conninfo *info, const char *keyword, bool host_named)
{
    bool is_host = belay_equal(keyword, "host") || belay_equal(keyword, "hostaddr");
    return belay_conninfo_get(info, keyword) != NULL || (is_host && host_named);
}

static bool names_host(const belay_conninfo *info)
{
    return belay_conninfo_get(info, "host") != NULL || belay_conninfo_get(info, "hostaddr") != NULL;
}

bool belay_conninfo_add_service(belay_conninfo *info, const char *service, belay_error *err)
{
    PQconninfoOption *options = read_service(service);
    bool found = false, host_named = names_host(info);
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        bool of_file =
            o->val != NULL && (o->envvar != NULL ? !belay_equal(o->val, mark) : o->compiled == NULL);
        if (is_service(o) || is_service_file(o) || !of_file)
            continue;
        found = true;
        if (!is_taken(info, o->keyword, host_named))
            belay_conninfo_set(info, o->keyword, o->val);
    }
    PQconninfoFree(options);
    if (found) /* PQconndefaults passes over a missing entry in silence */
        return true;
    belay_fail(
        err, BELAY_E_CONFIG, "service \"%s\" is in no service file, or its entry cannot be read", service);
    return belay_error_hint(err,
        "libpq looks into PGSERVICEFILE, ~/.pg_service.conf and pg_service.conf in PGSYSCONFDIR or the "
        "system's configuration folder; there is no space around the = there");
}

/* The entry that PGSERVICE names, unless the target has one of its own. */
static bool add_service_of_environment(belay_conninfo *info, belay_error *err)
{
    const char *service = getenv("PGSERVICE");
    if (service == NULL || *service == '\0' || belay_conninfo_get(info, "service") != NULL)
        return true;
    BELAY_AUTO(belay_free) char *name = belay_strdup(service); /* which is exchanged meanwhile */
    return belay_conninfo_add_service(info, name, err) || belay_error_prefix(err, "PGSERVICE");
}

bool belay_conninfo_add_defaults(belay_conninfo *info, belay_error *err)
{
    if (!add_service_of_environment(info, err))
        return false;
    PQconninfoOption *options = PQconndefaults();
    if (options == NULL)
        return belay_fail(err, BELAY_E_NO_MEMORY, "libpq has no memory for its defaults");
    static const char *const wanted[] = {"host", "hostaddr", "port", "user"};
    bool host_named = names_host(info);
    for (size_t i = 0; i < BELAY_COUNT(wanted); i++) {
        const char *value = value_of(options, wanted[i]);
        if (value != NULL && !is_taken(info, wanted[i], host_named))
            belay_conninfo_set(info, wanted[i], value);
    }
    /* Who opens a tunnel has to know whether TLS goes through it. */
    const char *sslmode = value_of(options, "sslmode");
    if (sslmode != NULL && !belay_equal(sslmode, "prefer") && !is_taken(info, "sslmode", host_named))
        belay_conninfo_set(info, "sslmode", sslmode);
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

void belay_conninfo_forget_service(const belay_conninfo *info)
{
    if (belay_conninfo_get(info, "service") != NULL)
        unsetenv("PGSERVICE");
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

bool belay_conninfo_add_password(belay_conninfo *info, const char *host, int port)
{
    /* What libpq finds for a server it keeps with the connection, and this one is not begun: its address is
     * none. */
    static const char no_address[] = "none";
    BELAY_AUTO(belay_conninfo_done) belay_conninfo asked = {0};
    char number[16];
    snprintf(number, sizeof number, "%d", port);
    belay_conninfo_copy(&asked, info);
    belay_conninfo_set(&asked, "host", host);
    belay_conninfo_set(&asked, "hostaddr", no_address);
    belay_conninfo_set(&asked, "port", number);
    PGconn *conn = belay_conninfo_begin(&asked);
    const char *found = conn == NULL ? NULL : PQpass(conn);
    bool has = found != NULL && *found != '\0';
    if (has)
        belay_conninfo_set(info, "password", found);
    PQfinish(conn);
    return has;
}
