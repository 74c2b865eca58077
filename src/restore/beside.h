/* Restores chosen tables of a snapshot into a living database, beside what is there and never over it.
 *
 * All in one transaction of one connection: schema, tables, rows, indexes, constraints between the chosen
 * tables, positions of their sequences; rows and row hashes are compared before it commits, so that a failure
 * or a killed process leaves nothing. The tables belong to the role that restores, nobody is granted
 * anything, and triggers, policies and rules are not made. No existing table is locked or changed. How names
 * get their new schema: restore/beside_plan.h. Blocking; one thread.
 */
#ifndef BELAY_RESTORE_BESIDE_H
#define BELAY_RESTORE_BESIDE_H

#include "archive/archive.h"
#include "pg/pg.h"
#include "report/reporter.h"

typedef struct belay_beside_options {
    belay_dialer *dialer;
    const char *dbname;
    const char *run_id;       /* application_name */
    const belay_list *tables; /* as typed: "orders", "public.orders" */
    const belay_list *schemas;
    const char
        *into_schema; /* made when it is not there; NULL: "restored_" and the end of the snapshot's id */
    const char
        *into_table; /* "orders_old", "public.orders_old": for one table; NULL: they keep their names */
    bool publish;    /* go on where a publication would send the rows to its subscribers */
    bool (*may_commit)(void *context, belay_error *err);
    void *may_commit_context;
    belay_reporter *reporter;
} belay_beside_options;

typedef struct belay_beside_table {
    char *from, *into; /* "public.orders", as a person reads it */
    uint64_t rows;
} belay_beside_table;

typedef struct belay_beside_result {
    belay_beside_table
        *tables; /* those with rows of their own: partitions, not what they are partitions of */
    size_t count;
    belay_list left_out; /* labels of triggers, foreign keys to other tables, ... */
    belay_list warnings; /* what could not be made as it was */
    char *witness;       /* OID of a table, once COMMIT was sent; NULL before */
    uint64_t rows, raw_bytes;
} belay_beside_result;
void belay_beside_result_done(belay_beside_result *result);
static inline void belay_beside_result_done_p(belay_beside_result *result)
{
    belay_beside_result_done(result);
}

/* BELAY_E_POLICY when a name is taken or the rows would be published; BELAY_E_COMPARE when the rows differ
 * from the snapshot's. A failure leaves nothing, but for BELAY_E_CONNECTION_LOST with a witness: the answer
 * to COMMIT was lost. */
bool belay_beside_restore(
    const belay_beside_options *options, belay_archive *archive, belay_beside_result *ret, belay_error *err);
/* Then, with the session that had the transaction known to be gone: was it committed? */
bool belay_beside_was_committed(
    const belay_beside_options *options, const belay_beside_result *result, bool *ret, belay_error *err);

#endif
