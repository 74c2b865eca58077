/* What the files of the SFTP store share.
 *
 * A connection is an SSH session with its SFTP channel, used by one thread at a time: an operation borrows an
 * idle one or opens one, a sink keeps one as long as it lives, each read of a source borrows one. One that is
 * lost is thrown away, and what was done with it is done again with the next, for a bounded time.
 *
 *   (none) --connect--> busy <--borrow / give back--> idle --15 s--> asked whether it lives before it is used
 *                        \------------- lost -------------> (none)
 */
#ifndef BELAY_STORE_SFTP_PARTS_H
#define BELAY_STORE_SFTP_PARTS_H

#include <pthread.h>

#include "config/target.h"
#include "remote/sftp.h"
#include "store/store.h"

enum {
    SFTP_CONNECTIONS_MAX = 8,           /* besides those of sinks */
    SFTP_AHEAD_BYTES = 4 * 1024 * 1024, /* under way at most: reads and writes of one connection */
    SFTP_IDLE_MS = 15000,               /* after it nobody knows whether a connection still lives */
    SFTP_ANSWER_MS = 10 * 60 * 1000,    /* fsync of a large file on a slow disk takes long */
    SFTP_RETRY_MS = 120 * 1000,         /* without any progress, then it is given up */
    SFTP_SMALL_BYTES = 32 * 1024        /* read as a whole when it is opened */
};

/* A part of a file that was asked for. */
typedef struct sftp_piece {
    uint32_t id;
    size_t want, got;
    char *bytes; /* want */
} sftp_piece;

enum { SFTP_PIECES_MAX = 128 };

/* The file that a connection reads, and what is under way of it: a piece follows the other. */
typedef struct sftp_stream {
    uint64_t source; /* its number; 0: none */
    char *handle;
    size_t handle_length;
    uint64_t at;        /* what the first piece begins with; a read from here takes what is there already */
    uint64_t asked_to;  /* where the last piece ends */
    uint64_t run_bytes; /* read one after the other up to here */
    sftp_piece pieces[SFTP_PIECES_MAX];
    size_t first, count; /* a ring */
} sftp_stream;

typedef struct sftp_connection {
    struct sftp_connection *next;
    belay_sftp *sftp;
    bool busy, counted;
    int64_t used_ms;
    sftp_stream stream;
} sftp_connection;

typedef struct sftp_store {
    belay_store base;
    belay_ssh_login login;
    char *root; /* the folder, as the server knows it */
    int64_t retry_ms;
    pthread_mutex_t mutex;
    pthread_cond_t given_back;
    /* Under the mutex. */
    sftp_connection *connections;
    size_t counted;
    bool reached;       /* once: what fails from now on is worth another try */
    int64_t gave_up_ms; /* since then it is not reached; 0: it is */
    belay_error why_gave_up;
    belay_sftp_extensions can; /* as its last connection said */
    uint64_t last_source;
    bool clock_known;
    int64_t clock_ahead_s; /* the server's clock against belay_now_utc */
} sftp_store;

/* ---- sftp_pool.c */

/* Opens one when none is idle. `source` and `at`: for reading, best the one that has read up to there; 0:
 * any. `kept`: by a sink, and not counted. The caller gives it back. */
typedef struct sftp_want {
    uint64_t source, at;
    bool kept;
} sftp_want;
bool sftp_borrow(sftp_store *self, const sftp_want *want, sftp_connection **ret, belay_error *err);
void sftp_give_back(sftp_store *self, sftp_connection *c); /* NULL is fine */
void sftp_close_all(sftp_store *self);
/* Asks, when it was not used for a while. No answer but that one may be awaited then. */
bool sftp_lives(const sftp_store *self, sftp_connection *c);

typedef struct sftp_retry {
    int tries;
    int64_t until_ms, pause_ms;
} sftp_retry;
/* Waits, when it is worth another try; false: give up with `why`, to which is added what was tried. */
bool sftp_try_again(sftp_store *self, sftp_retry *retry, belay_error *why);

/* An operation with a connection, again with another one when that is lost: so it must bear to be done twice.
 * `tries`: how often it was begun before. */
typedef bool sftp_operation(sftp_store *self, sftp_connection *c, void *context, int tries, belay_error *err);
bool sftp_run(
    sftp_store *self, const sftp_want *want, sftp_operation *operation, void *context, belay_error *err);

/* The answer to that request; answers to requests that nobody waits for are passed over. */
bool sftp_await(sftp_connection *c, uint32_t id, belay_sftp_answer *ret, belay_error *err);
/* Those to `count` requests, of which `first` is the first, in their order, without bodies. */
bool sftp_await_all(
    sftp_connection *c, uint32_t first, size_t count, belay_sftp_answer *ret, belay_error *err);

/* ---- sftp_call.c */

char *sftp_path(const sftp_store *self, const char *name); /* the caller frees */
/* Fails with what the server said. FAILURE, which is all that version 3 has for a full disk, is told by
 * looking at its free space. */
bool sftp_fail(sftp_store *self, sftp_connection *c, const belay_sftp_answer *answer, const char *what,
    const char *name, belay_error *err);
/* sftp_await, and an answer of that kind (STATUS: OK) or sftp_fail. */
bool sftp_expect(sftp_store *self, sftp_connection *c, uint32_t id, belay_sftp_kind kind, const char *what,
    const char *name, belay_sftp_answer *ret, belay_error *err);
/* A handle from its answer, as memory of the caller. */
bool sftp_expect_handle(sftp_store *self, sftp_connection *c, uint32_t id, const char *what, const char *name,
    char **ret, size_t *ret_length, belay_error *err);

typedef struct sftp_sight {
    bool folder_missing, missing;
    belay_sftp_attributes itself; /* when it is not missing */
} sftp_sight;
/* Each folder on the way to name, and it itself: a link on the way, and a folder that is none, are errors,
 * since links inside of a store are not followed. */
bool sftp_look(sftp_store *self, sftp_connection *c, const char *name, const char *what, sftp_sight *ret,
    belay_error *err);
/* The same; makes the folders that are missing, durably where the server can. */
bool sftp_look_making(sftp_store *self, sftp_connection *c, const char *name, const char *what,
    sftp_sight *ret, belay_error *err);
/* What stands in the folder of that name survives a crash; no promise, as not every server opens folders. */
bool sftp_sync_folder_of(sftp_store *self, sftp_connection *c, const char *name, belay_error *err);
bool sftp_free_space(sftp_store *self, sftp_connection *c, uint64_t *ret_bytes, belay_error *err);

/* ---- the operations of belay_store */

bool sftp_create(belay_store *base, const char *name, belay_sink **ret, belay_error *err);
bool sftp_append(belay_store *base, const char *name, belay_sink **ret, belay_error *err);
bool sftp_open_source(belay_store *base, const char *name, belay_source **ret, belay_error *err);
bool sftp_list(belay_store *base, const char *prefix, belay_store_listing *ret, belay_error *err);
bool sftp_folders(belay_store *base, const char *name, belay_list *ret, belay_error *err);

/* ---- sftp_source.c */

/* Is it of the stream? Then it is kept there. */
bool sftp_stream_take(
    sftp_stream *stream, const belay_sftp_answer *answer, bool *ret_ok); /* ok: it is data */
void sftp_stream_drop(sftp_connection *c);                               /* its file is closed */

#endif
