/* How to reach a server: connection keywords, and the dialer that supplies them.
 *
 * Nothing opens a connection but belay_pg_open (pg/pg.h), and that asks a dialer for the keywords. The direct
 * dialer returns what the target says; a tunnel would return its own local end. Children (pg_dump, user's
 * commands) get the same through PG* variables in their environment, never in argv.
 */
#ifndef BELAY_PG_DIALER_H
#define BELAY_PG_DIALER_H

#include <stdatomic.h>

#include "util/error.h"
#include "util/str.h"

/* libpq keywords (host, port, user, password, sslmode, service, ...) with values; owns its strings. */
typedef struct belay_conninfo {
    belay_list keywords;
    belay_list values;
} belay_conninfo;

void belay_conninfo_set(
    belay_conninfo *info, const char *keyword, const char *value);               /* NULL value: removed */
const char *belay_conninfo_get(const belay_conninfo *info, const char *keyword); /* NULL when not set */
/* Takes a postgresql:// URL or a keyword string apart, as libpq reads it. */
bool belay_conninfo_parse(belay_conninfo *info, const char *text, belay_error *err);
bool belay_conninfo_is_keyword(const char *keyword); /* does libpq know it? */
void belay_conninfo_copy(belay_conninfo *to, const belay_conninfo *from);
void belay_conninfo_done(belay_conninfo *info); /* zeroes the values */
static inline void belay_conninfo_done_p(belay_conninfo *info)
{
    belay_conninfo_done(info);
}

typedef struct belay_dialer belay_dialer;
struct belay_dialer {
    /* Fills ret (empty before) with the keywords that reach database `dbname` on the target's server. */
    bool (*address)(belay_dialer *self, const char *dbname, belay_conninfo *ret, belay_error *err);
    /* Replaces the error of a connection that failed by what is known of the way; false when that is nothing.
     * NULL: there is no way to know of. */
    bool (*explain)(belay_dialer *self, belay_error *err);
    /* The server as a person knows it, where libpq is told another address. NULL: libpq's. */
    void (*describe)(const belay_dialer *self, char *ret, size_t size_bytes);
    const char *target; /* whose it is, for hints; NULL: of none. Borrowed. */
    /* Sessions that belay_pg_open opened in database `counted` ("": none is counted), so that those of others
     * can be told from them. Set `counted` while no other thread opens connections. */
    char counted[64];
    atomic_ulong sessions;
};

/* The dialer's address, as libpq may have it: BELAY_E_CONFIG where the environment would lead it elsewhere
 * (PGHOSTADDR). Fills ret (empty before); a hostaddr without host is both, and there is no service. */
bool belay_dialer_address(belay_dialer *dialer, const char *dbname, belay_conninfo *ret, belay_error *err);
/* Appends "PGHOST=...", "PGDATABASE=..." for a child that is to reach `dbname`, and "PGSERVICE", which is to
 * be taken away from it (util/process.h). */
bool belay_dialer_environment(belay_dialer *dialer, const char *dbname, belay_list *ret, belay_error *err);

typedef struct belay_direct_dialer {
    belay_dialer base;
    const belay_conninfo *info; /* borrowed */
} belay_direct_dialer;
void belay_direct_dialer_init(belay_direct_dialer *dialer, const belay_conninfo *info);

#endif
