/* What is shared by the files that write to the SFTP store: sftp_sink.c, and sftp_append.c for journals.
 *
 * What was given is kept until the server has acknowledged it, so that a connection that is lost costs
 * nothing but time.
 *
 *   0 ............ kept_from ............ sent ............ written
 *   safe           acknowledged or under way   only here
 *
 * Of a file for appending (a journal) it is kept until it was synced: a server that crashes forgets what it
 * acknowledged, and gets it again at the same place. Of others a window is kept; what a crash takes from them
 * is found when they are read back. One thread at a time.
 */
#ifndef BELAY_STORE_SFTP_SINK_H
#define BELAY_STORE_SFTP_SINK_H

#include "store/sftp_parts.h"

enum { SFTP_WRITES_MAX = 256 };

/* A write that is under way. */
typedef struct under_way {
    uint32_t id;
    uint64_t end;
    bool acknowledged;
} under_way;

/* Whether the server puts at the end of the file what is to be appended, wherever that is by then (OpenSSH's
 * does), or goes by the place that the request names, as some others do. */
typedef enum sftp_appending { SFTP_NOT_TRIED, SFTP_AT_THE_END, SFTP_WHERE_TOLD } sftp_appending;

typedef struct sftp_sink {
    belay_sink base;
    sftp_store *store;
    sftp_connection *c; /* NULL: lost */
    char *name;
    bool appends;
    char *handle;
    size_t handle_length;
    char *ring; /* SFTP_AHEAD_BYTES; the byte at n lies at n % SFTP_AHEAD_BYTES */
    uint64_t kept_from, acknowledged, sent, written;
    under_way writes[SFTP_WRITES_MAX]; /* a ring; of files that are not appended to */
    size_t first, count;
    bool folder_synced;
    sftp_retry retry;
    bool failed; /* for good */
    belay_error fault;
    /* Of files that are appended to. */
    sftp_appending appending;
    char *flying; /* what is being appended, until it is acknowledged; NULL: nothing */
    size_t flying_bytes;
    char *late; /* what was, when a connection was lost, and did not come: it may come still */
    size_t late_bytes;
    uint64_t extra_bytes; /* of the file, besides what was written: what came late */
} sftp_sink;

belay_span sftp_sink_handle(const sftp_sink *self);

/* ---- sftp_append.c */

/* All that was written, at the end of the file. BELAY_E_LOCKED: somebody else has written to it. */
bool sftp_append_rest(sftp_sink *self, belay_error *err);
/* Has nobody else written to it? Asked where that may be by now; else true. */
bool sftp_append_is_alone(sftp_sink *self, belay_error *err);
/* Its connection was lost, and it is open again with `size_bytes`: finds what of it is there. */
bool sftp_append_go_on(sftp_sink *self, uint64_t size_bytes, belay_error *err);
void sftp_append_done(sftp_sink *self);

#endif
