/* The flow of a snapshot's bulk: workers that read and compress, one writer that appends. Internal to
 * src/snapshot.
 *
 *     pieces, largest first --crew of `jobs` workers--> chunks --queue--> writer thread --> archive
 *                free chunks <-----------------------------------------------'
 *
 * A piece is what one worker reads in one go: a table, a ctid range of a large one, a section of the schema.
 * Each worker has a connection of profile DATA in a transaction that imported the exported snapshot, and
 * locks nothing but the table that it reads: a new transaction begins with each table. It hashes and
 * compresses rows while it reads them into a chunk, a member that is whole in memory; the writer thread
 * numbers and appends it. A worker whose connection is lost connects again and goes on with its piece: the
 * rows that it handed over already are read once more, compared by their sum, and left out.
 *
 * Memory: there are jobs + 3 chunks, and a worker waits for a free one, so that a slow store slows the
 * workers. A chunk ends with the row that makes it BELAY_CHUNK_BYTES. In bytes, with r the largest row of
 * COPY (twice its size where it is text): at most (jobs + 3) * (BELAY_CHUNK_BYTES + r) for chunks that do not
 * shrink, and for each worker BELAY_ROW_BUFFER_BYTES of rows that wait to be compressed, 3 * r of libpq, and
 * some megabytes of zstd at levels 1 to 3. With two jobs and rows of up to 1 MB that is below 80 MB. A
 * chunk's memory is given back when a row made it much larger than usual.
 *
 * Failure: the first that fails says why (belay_flow_fail) and everybody gives up. The coordinator, which
 * keeps the snapshot exported, only waits meanwhile: it reports the progress and sees whether its own
 * connection lives.
 */
#ifndef BELAY_SNAPSHOT_FLOW_H
#define BELAY_SNAPSHOT_FLOW_H

#include <pthread.h>
#include <stdatomic.h>

#include "snapshot/parts.h"
#include "util/hash.h"
#include "util/queue.h"

enum { BELAY_ROW_BUFFER_BYTES = BELAY_CHUNK_BYTES + 64 * 1024 };

typedef struct belay_flow belay_flow;
typedef struct belay_worker belay_worker;
typedef struct belay_piece belay_piece;

struct belay_piece {
    bool (*take)(belay_worker *worker, belay_piece *piece, belay_error *err);
    belay_planned *planned; /* NULL: not a table */
    uint64_t first_block;
    uint64_t end_block; /* 0: to the end; both 0: the whole table */
    uint64_t cost_bytes;
    size_t first, end;  /* not of a table: numbers of a section, of large objects */
    const char *member; /* of a section */
    const char *series; /* what its members' names begin with; NULL: as usual */
    bool is_schema;     /* others may alter tables when all of it is taken */
    bool needs_server;
    bool by_path;  /* planning it needs the search_path of the database */
    bool is_begun; /* guarded by the flow's mutex */
    /* The worker's. */
    json_t *entries; /* of a section; why there are no statistics; NULL: none */
    belay_rowsum sum, generated_sum;
    belay_rowsum handed_over; /* of the rows whose chunks went to the writer */
    /* The writer's. */
    const char **chunks;
    size_t chunk_count, chunk_capacity;
    uint64_t raw_bytes;
};

typedef struct belay_chunk {
    belay_piece *piece;
    belay_str frame;
    uint64_t raw_bytes, rows;
} belay_chunk;

struct belay_flow {
    belay_taking *t;
    belay_piece **pieces; /* in the order of work, but for what somebody waits for */
    size_t piece_count;
    belay_chunk *chunks;
    size_t chunk_count;
    belay_queue *free_chunks, *full_chunks;
    atomic_uint_fast64_t bytes, rows; /* read so far, raw */
    _Atomic(belay_planned *) at;      /* the table begun last; NULL: the schema */
    atomic_size_t tables_done;
    atomic_size_t schema_left; /* pieces of sections */
    atomic_uint generation;    /* of the holder, and so of the exported snapshot */
    int64_t checked_ms;        /* when the holder was found alive */
    int64_t renew_after_ms;    /* not earlier, since it failed */
    bool told_of_renew;        /* that it failed */
    pthread_mutex_t mutex;     /* guards what follows, and t->snapshot */
    size_t next;               /* pieces before it are begun */
    bool is_lent;              /* t->pg; who set it may use that */
    pthread_cond_t returned;
    belay_error failure; /* the first */
    bool is_writing;
    pthread_cond_t written; /* it is false now */
};

struct belay_worker {
    belay_flow *flow;
    belay_pg *pg;        /* NULL: not connected */
    unsigned generation; /* whose snapshot it imported */
    bool is_begun;       /* there is a transaction */
    bool is_spent;       /* it has to end */
    char *opening;       /* begins the next one, in front of the piece's first statement; NULL: it is begun */
    const belay_planned *read_last; /* in this transaction; NULL: no table */
    belay_codec *codec;
    belay_chunk *chunk; /* at work; NULL: none */
    belay_rowsum sum;   /* of this try at the piece */
    size_t buffered;
    char buffer[BELAY_ROW_BUFFER_BYTES];
};

/* flow.c: takes all pieces. False: what failed first, or a stop request; no thread is left then either. */
bool belay_flow_run(belay_taking *t, belay_piece **pieces, size_t count, belay_error *err);
/* Any thread; false. Only the first failure counts. */
bool belay_flow_fail(belay_flow *flow, const belay_error *err);
/* False: why a worker's wait ended without what it waited for. */
bool belay_flow_given_up(belay_error *err);
/* For a worker, as often as there are pieces. */
belay_piece *belay_flow_next(belay_flow *flow);

/* holder.c. A worker borrows the connection that has all locks, waiting for others who do; whatever it sets
 * or locks there ends with take_back, which fails when the connection is of no more use. */
bool belay_holder_lend(belay_flow *flow, belay_pg **ret, belay_error *err);
bool belay_holder_take_back(belay_flow *flow, belay_error *err);
/* The coordinator's, none of which waits for a worker. check: fails when the connection was lost; asks once
 * a second. renew: another connection takes over with the locks of tables that are still to be read; where
 * that cannot be now, everything stays as it is, which is told once; it fails when the snapshot was lost.
 * let_go: ends the transaction, and with it the snapshot. */
bool belay_holder_check(belay_flow *flow, belay_error *err);
bool belay_holder_renew(belay_flow *flow, belay_error *err);
void belay_holder_let_go(belay_flow *flow);

/* worker.c: one of the crew; see util/crew.h. */
void *belay_worker_begin(void *flow);
bool belay_worker_work(void *flow, void *worker, size_t number, belay_error *err);
void belay_worker_end(void *flow, void *worker);
/* What has to stand in front of the piece's first statement: "", or statements with their semicolon, which
 * begin the transaction. Whoever asks sends them. The caller frees. */
char *belay_worker_opening(belay_worker *worker);
/* For a piece without table: the worker's connection, its transaction ended. */
bool belay_worker_leave(belay_worker *worker, belay_error *err);

/* chunk.c: what a worker makes of rows, or of anything else. begin takes a free chunk (waits), add
 * compresses, end hands it to the writer; drop gives it back. False from begin without a stop request: the
 * others gave up. */
bool belay_chunk_begin(belay_worker *worker, belay_piece *piece, belay_error *err);
bool belay_chunk_add(belay_worker *worker, const void *data, size_t size_bytes, belay_error *err);
bool belay_chunk_end(belay_worker *worker, belay_error *err);
void belay_chunk_drop(belay_worker *worker);

/* data.c: a piece of a table. */
bool belay_take_rows(belay_worker *worker, belay_piece *piece, belay_error *err);
/* What else there is: begin says how many pieces it has, cut fills them in (both NULL: none), and end, which
 * is called in the order of the archive, makes members of what was taken. */
typedef struct belay_extra {
    bool (*begin)(belay_taking *t, size_t *ret_count, belay_error *err);
    void (*cut)(belay_taking *t, belay_piece *pieces, size_t count);
    bool (*end)(belay_taking *t, const belay_piece *pieces, size_t count, belay_error *err);
} belay_extra;
extern const belay_extra belay_extra_sections, belay_extra_sequences, belay_extra_large_objects,
    belay_extra_statistics;

#endif
