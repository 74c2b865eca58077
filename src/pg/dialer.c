#include "pg/dialer.h"

#include <stdlib.h>

#include "pg/pg_internal.h"

static size_t find(const belay_conninfo *info, const char *keyword)
{
    size_t i = 0;
    while (i < info->keywords.count && !belay_equal(info->keywords.items[i], keyword))
        i++;
    return i;
}

void belay_conninfo_set(belay_conninfo *info, const char *keyword, const char *value)
{
    size_t at = find(info, keyword);
    if (at == info->keywords.count) {
        if (value == NULL)
            return;
        belay_list_add(&info->keywords, keyword);
        belay_list_add(&info->values, value);
        return;
    }
    char *copy = belay_strdup(value == NULL ? "" : value); /* value may be the old one */
    belay_free_secret(info->values.items[at]);
    info->values.items[at] = copy;
}

const char *belay_conninfo_get(const belay_conninfo *info, const char *keyword)
{
    size_t at = find(info, keyword);
    if (at == info->keywords.count || info->values.items[at][0] == '\0')
        return NULL;
    return info->values.items[at];
}

/* A password with an @ or / ends early, and its rest would be shown as host or port. */
static bool check_place(const char *keyword, const char *value, belay_error *err)
{
    bool host = belay_equal(keyword, "host") && *value != '\0' && strchr(value + 1, '@') != NULL;
    bool port = belay_equal(keyword, "port") && value[strspn(value, "0123456789,")] != '\0' &&
                strstr(value, "${") == NULL;
    if (!host && !port)
        return true;
    belay_fail(
        err, BELAY_E_CONFIG, "the connection URL has no %s where one should be", host ? "host" : "port");
    return belay_error_hint(err, "in a password @ is written %%40, / %%2F, # %%23 and %% %%25; "
                                 "${POSTGRES_PASSWORD} may hold any of them");
}

bool belay_conninfo_parse(belay_conninfo *info, const char *text, belay_error *err)
{
    char *reason = NULL;
    PQconninfoOption *options = PQconninfoParse(text, &reason);
    if (options == NULL) {
        /* libpq's reason may quote the text, and the text may hold a password: say where, not what. */
        PQfreemem(reason);
        return belay_fail(err, BELAY_E_CONFIG,
            "the connection URL is not one that libpq understands "
            "(postgresql://user@host:port/dbname?sslmode=...)");
    }
    bool ok = true;
    for (PQconninfoOption *option = options; option->keyword != NULL && ok; option++) {
        if (option->val == NULL)
            continue;
        ok = check_place(option->keyword, option->val, err);
        belay_conninfo_set(info, option->keyword, option->val);
    }
    PQconninfoFree(options);
    return ok;
}

bool belay_conninfo_is_keyword(const char *keyword)
{
    PQconninfoOption *options = PQconndefaults();
    bool known = false;
    for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL && !known; option++)
        known = belay_equal(option->keyword, keyword);
    PQconninfoFree(options);
    return known;
}

void belay_conninfo_copy(belay_conninfo *to, const belay_conninfo *from)
{
    for (size_t i = 0; i < from->keywords.count; i++)
        belay_conninfo_set(to, from->keywords.items[i], from->values.items[i]);
}

void belay_conninfo_done(belay_conninfo *info)
{
    belay_list_done(&info->keywords);
    belay_list_done_secret(&info->values);
}

/* Where info has no hostaddr, libpq takes one of the environment, and goes there whatever `host` says. */
static bool check_address(const belay_conninfo *info, belay_error *err)
{
    PQconninfoOption *options = belay_conninfo_get(info, "hostaddr") != NULL ? NULL : PQconndefaults();
    BELAY_AUTO(belay_free) char *other = NULL;
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        if (belay_equal(o->keyword, "hostaddr") && o->val != NULL && o->val[0] != '\0')
            other = belay_strdup(o->val);
    }
    PQconninfoFree(options);
    if (other == NULL)
        return true;
    belay_fail(err, BELAY_E_CONFIG, "%s says %s: libpq would connect there, whatever host the target names",
        getenv("PGHOSTADDR") != NULL ? "PGHOSTADDR" : "the service that PGSERVICE names", other);
    return belay_error_hint(err, "unset it; hostaddr in the target's section is the place for an address");
}

bool belay_dialer_address(belay_dialer *dialer, const char *dbname, belay_conninfo *ret, belay_error *err)
{
    if (!dialer->address(dialer, dbname, ret, err) || !check_address(ret, err))
        return false;
    /* An address without a name is the server's name, too; libpq would take PGHOST's, with its password. */
    if (belay_conninfo_get(ret, "host") == NULL && belay_conninfo_get(ret, "hostaddr") != NULL)
        belay_conninfo_set(ret, "host", belay_conninfo_get(ret, "hostaddr"));
    /* Its entry is in there already (pg/defaults.h); to libpq it would also say what was left out. */
    belay_conninfo_set(ret, "service", NULL);
    return true;
}

bool belay_dialer_environment(belay_dialer *dialer, const char *dbname, belay_list *ret, belay_error *err)
{
    BELAY_AUTO(belay_conninfo_done) belay_conninfo info = {0};
    if (!belay_dialer_address(dialer, dbname, &info, err))
        return false;
    PQconninfoOption *options = PQconndefaults();
    for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        const char *value = belay_conninfo_get(&info, option->keyword);
        if (value != NULL && option->envvar != NULL)
            belay_list_add_owned(ret, belay_format("%s=%s", option->envvar, value));
    }
    PQconninfoFree(options);
    belay_list_add(ret, "PGSERVICE"); /* in a child it would win over all of these */
    return true;
}

PGconn *belay_conninfo_begin(const belay_conninfo *info)
{
    size_t count = info->keywords.count;
    BELAY_AUTO(belay_free) const char **keywords = belay_realloc_array(NULL, count + 1, sizeof *keywords);
    BELAY_AUTO(belay_free) const char **values = belay_realloc_array(NULL, count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        keywords[i] = info->keywords.items[i];
        values[i] = info->values.items[i];
    }
    keywords[count] = values[count] = NULL;
    return PQconnectStartParams(keywords, values, 0);
}

static bool direct_address(belay_dialer *self, const char *dbname, belay_conninfo *ret, belay_error *err)
{
    (void)err;
    const belay_direct_dialer *direct = (const belay_direct_dialer *)self;
    belay_conninfo_copy(ret, direct->info);
    if (dbname != NULL)
        belay_conninfo_set(ret, "dbname", dbname);
    return true;
}

void belay_direct_dialer_init(belay_direct_dialer *dialer, const belay_conninfo *info)
{
    *dialer = (belay_direct_dialer){.base = {.address = direct_address}, .info = info};
}
