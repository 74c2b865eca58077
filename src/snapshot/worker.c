/* One of the crew: its connection, its transaction, and what follows when it loses them. */
#include "snapshot/flow.h"
#include "snapshot/plan.sql.h"
#include "util/clock.h"
#include "util/stop.h"

enum { TRIES = 6, FIRST_PAUSE_MS = 200 };

void *belay_worker_begin(void *context)
{
    belay_flow *flow = context;
    belay_worker *w = belay_alloc(sizeof *w);
    w->flow = flow;
    w->codec = belay_taking_codec(flow->t);
    return w;
}

/* A command that is left half done is ended at the server too, and not only when it next writes. */
static void disconnect(belay_worker *w)
{
    if (w->pg != NULL)
        belay_pg_cancel(w->pg);
    belay_pg_close(w->pg);
    w->pg = NULL;
    w->is_begun = false;
    free(belay_take(w->opening));
}

void belay_worker_end(void *context, void *worker)
{
    (void)context;
    belay_worker *w = worker;
    disconnect(w);
    belay_codec_free(w->codec);
    free(w);
}

static bool connect(belay_worker *w, belay_error *err)
{
    const belay_taking *t = w->flow->t;
    const belay_pg_options how = {
        .dbname = t->options->dbname, .application_name = t->run_id, .profile = BELAY_PG_DATA};
    if (!belay_pg_open(t->options->dialer, &how, &w->pg, err))
        return false;
    belay_pg_give_up_on(w->pg, &w->flow->t->given_up);
    return true;
}

/* The present name of the snapshot; the caller frees. */
static char *current_snapshot(belay_worker *w)
{
    belay_flow *flow = w->flow;
    pthread_mutex_lock(&flow->mutex);
    w->generation = atomic_load(&flow->generation);
    char *snapshot = belay_strdup(flow->t->snapshot);
    pthread_mutex_unlock(&flow->mutex);
    return snapshot;
}

static void prepare(belay_worker *w)
{
    BELAY_AUTO(belay_free) char *snapshot = current_snapshot(w);
    free(w->opening);
    w->opening = belay_format("%s%s; SET TRANSACTION SNAPSHOT '%s'; %s; ", w->is_begun ? "COMMIT; " : "",
        sql_plan_begin, snapshot, sql_plan_worker_settings);
    w->read_last = NULL;
}

char *belay_worker_opening(belay_worker *w)
{
    if (w->opening == NULL)
        return belay_strdup("");
    w->is_begun = true;
    w->is_spent = false;
    return belay_take(w->opening);
}

bool belay_worker_leave(belay_worker *w, belay_error *err)
{
    w->is_begun = false;
    return belay_pg_exec(w->pg, "COMMIT", err);
}

/* The snapshot is there as long as the transaction of the one who holds it, who may change meanwhile. */
static bool begin(belay_worker *w, belay_error *err)
{
    belay_error fault = {0};
    do {
        prepare(w);
        BELAY_AUTO(belay_free) char *opening = belay_worker_opening(w);
        belay_error_clear(&fault);
        if (belay_pg_exec(w->pg, opening, &fault))
            return true;
        belay_pg_exec(w->pg, "ROLLBACK", NULL);
    } while (fault.code == BELAY_E_SQL && w->generation != atomic_load(&w->flow->generation));
    if (err != NULL)
        *err = fault;
    if (fault.code == BELAY_E_SQL)
        belay_error_prefix(err, "the session that holds the snapshot together has ended");
    return false;
}

/* A table's lock is kept until all of its pieces that this worker takes are read: somebody may wait for the
 * table, and nobody gets a lock past him. It is not kept any longer: the next piece may wait for a slow
 * store. */
static bool must_begin(const belay_worker *w, const belay_piece *piece)
{
    return !w->is_begun || w->is_spent || w->generation != atomic_load(&w->flow->generation) ||
           piece->planned == NULL || piece->planned != w->read_last;
}

static bool is_ready(belay_worker *w, const belay_piece *piece, belay_error *err)
{
    if (w->pg == NULL && !connect(w, err))
        return false;
    if (must_begin(w, piece)) {
        prepare(w);
        if (piece->planned == NULL && !begin(w, err))
            return false;
    }
    w->read_last = piece->planned;
    return true;
}

/* Where the piece failed that also began the transaction: was it for the holder's change? Else *err says
 * what it was: perhaps that there is no snapshot any more. */
static bool has_new_holder(belay_worker *w, belay_error *err)
{
    belay_error fault = {0};
    unsigned generation = w->generation;
    belay_pg_exec(w->pg, "ROLLBACK", NULL);
    w->is_begun = false;
    if (!begin(w, &fault) && fault.code == BELAY_E_SQL)
        *err = fault;
    return err->code == BELAY_E_SQL && w->generation != generation;
}

/* Somebody waits for the table's lock in front of this worker. */
static bool is_locked(const belay_error *err)
{
    return belay_equal(err->sqlstate, "55P03");
}

static bool is_lost(const belay_error *err)
{
    return err->code == BELAY_E_CONNECTION_LOST || err->code == BELAY_E_CONNECTION ||
           err->code == BELAY_E_CONNECTION_REFUSED;
}

/* Once more, after a pause that others may end. */
static bool may_try_again(belay_worker *w, int tries, const belay_error *err)
{
    if (!is_lost(err) || tries >= TRIES)
        return false;
    int64_t end = belay_now_ms() + ((int64_t)FIRST_PAUSE_MS << (tries - 1));
    while (belay_now_ms() < end && !atomic_load(&w->flow->t->given_up) && !belay_stop_requested())
        belay_sleep_ms(20);
    return !atomic_load(&w->flow->t->given_up) && !belay_stop_requested();
}

/* The server plans with functions of indexes and statistics, and the text of one may name others without
 * their schema. */
static bool may_need_path(belay_piece *piece, const belay_error *err)
{
    bool may = piece->planned != NULL && !piece->by_path && belay_pg_is_missing_name(err);
    piece->by_path = piece->by_path || may;
    return may;
}

/* On the connection that has all locks. */
static bool take_with_holder(belay_worker *w, belay_piece *piece, belay_error *err)
{
    belay_pg *own = w->pg;
    free(belay_take(w->opening));
    if (!belay_holder_lend(w->flow, &w->pg, err))
        return false;
    bool ok = piece->take(w, piece, err);
    w->pg = own;
    return belay_holder_take_back(w->flow, ok ? err : NULL) && ok;
}

static bool take_alone(belay_worker *w, belay_piece *piece, belay_error *err)
{
    bool ok = (!piece->needs_server || is_ready(w, piece, err)) && piece->take(w, piece, err);
    w->is_spent = !ok || piece->by_path; /* the path ends with the transaction */
    return ok;
}

static bool take(belay_worker *w, belay_piece *piece, belay_error *err)
{
    bool with_holder = false;
    for (int tries = 1;; tries++) {
        belay_error_clear(err);
        if (with_holder ? take_with_holder(w, piece, err) : take_alone(w, piece, err))
            return true;
        belay_chunk_drop(w);
        if (!with_holder && piece->planned != NULL && is_locked(err)) {
            with_holder = true;
            continue;
        }
        bool again = !with_holder && w->pg != NULL && err->code == BELAY_E_SQL && has_new_holder(w, err);
        if (!with_holder)
            disconnect(w);
        if (again)
            continue;
        if (!may_need_path(piece, err) && (with_holder || !may_try_again(w, tries, err)))
            return false;
    }
}

/* What text COPY cannot carry: the server makes a row of less than a gigabyte. */
static void explain(const belay_piece *piece, belay_error *err)
{
    bool too_long =
        belay_equal(err->sqlstate, "54000") ||
        (belay_equal(err->sqlstate, "XX000") && strstr(err->message, "alloc request size") != NULL);
    if (too_long && belay_equal(piece->planned->table->format, "text"))
        belay_error_hint(err,
            "a row of it is too long for COPY's text format, where bytea doubles; format = auto "
            "takes tables of built-in types in binary");
    belay_error_prefix(err, "table %s.%s", piece->planned->table->schema, piece->planned->table->name);
}

bool belay_worker_work(void *context, void *worker, size_t number, belay_error *err)
{
    belay_flow *flow = context;
    (void)number;
    if (atomic_load(&flow->t->given_up))
        return true;
    belay_piece *piece = belay_flow_next(flow);
    atomic_store(&flow->at, piece->planned);
    if (take(worker, piece, err)) {
        if (piece->is_schema)
            atomic_fetch_sub(&flow->schema_left, 1);
        if (piece->planned != NULL && atomic_fetch_sub(&piece->planned->pieces_left, 1) == 1)
            atomic_fetch_add(&flow->tables_done, 1);
        return true;
    }
    if (piece->planned != NULL)
        explain(piece, err);
    return belay_flow_fail(flow, err);
}
