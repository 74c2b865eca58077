/* What tunnel.c (the thread, its sockets, who asks for what) and tunnel_channel.c (libssh2's channels) share.
 */
#ifndef BELAY_REMOTE_TUNNEL_INTERNAL_H
#define BELAY_REMOTE_TUNNEL_INTERNAL_H

#include <pthread.h>

#include "remote/tunnel.h"

enum {
    UP_BYTES = 64 * 1024,
    DOWN_BYTES = 256 * 1024,
    FAR_END_SIZE = 256 /* for belay_tunnel_far_end_text */
};

typedef enum belay_tunnel_client_state {
    CLIENT_WAITING, /* for its turn to open a channel: libssh2 opens one at a time */
    CLIENT_OPENING,
    CLIENT_OPEN,
    CLIENT_CLOSING, /* the channel's close is on its way */
    CLIENT_OVER
} belay_tunnel_client_state;

/* A call of libssh2 that has sent a part of its packet must be repeated, as it was, before any other sends
 * something (libssh2's transport fails with BAD_USE). */
typedef enum belay_tunnel_step {
    STEP_OPENS,
    STEP_WRITES,
    STEP_READS,
    STEP_SENDS_EOF,
    STEP_FREES
} belay_tunnel_step;

typedef struct belay_tunnel_client belay_tunnel_client;
struct belay_tunnel_client {
    belay_tunnel_client *next;
    int fd; /* nonblocking */
    LIBSSH2_CHANNEL *channel;
    belay_tunnel_client_state state;
    int64_t deadline_ms; /* for CLIENT_OPENING */
    bool opened_anew;    /* the session was lost when it was opened for the first time */
    char *host;
    int port;
    struct belay_tunnel_request *request; /* who waits for it, NULL: it came to the listening socket */
    char up[UP_BYTES];                    /* from the client */
    size_t up_at, up_end;
    char down[DOWN_BYTES]; /* to the client */
    size_t down_at, down_end;
    bool hung_up;  /* the client is gone; what it sent may still be there to be read */
    bool fd_ended; /* the client sends no more */
    bool eof_sent; /* and the far side knows */
    bool channel_ended;
    bool shut; /* the client knows that the far side sends no more */
};

/* belay_tunnel_connect, waiting. */
typedef struct belay_tunnel_request {
    struct belay_tunnel_request *next;
    int fd;
    const char *host;
    int port;
    bool answered, ok;
    belay_error fault;
} belay_tunnel_request;

struct belay_tunnel {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    atomic_bool closing;
    int wake_fd;
    belay_tunnel_request *requests; /* under the mutex, as far_host, far_port, listen_fd, fault */
    int listen_fd;
    belay_tunnel_admit *admit;
    char *far_host;
    int far_port;
    bool has_fault;
    belay_error fault;
    /* The thread's own. */
    belay_ssh_login login;
    belay_list via;
    belay_ssh_options options;
    belay_ssh_session *session; /* NULL: lost, or not there yet */
    belay_tunnel_client *clients;
    size_t client_count;
    uint64_t moved;            /* counts what went on, to see whether anything still does */
    belay_tunnel_client *busy; /* whose step has to be repeated first; NULL: nobody's */
    belay_tunnel_step busy_step;
    int64_t looked_ms; /* when it was last asked whether something came from the server */
};

/* The tunnel's thread calls all of these. */

/* A step for each client who can make one. The session may be lost thereafter. */
void belay_tunnel_serve(belay_tunnel *tunnel);
/* Reads what the client sends, where there is room. */
void belay_tunnel_fill_up(belay_tunnel_client *c);
/* Ends the client's connection, and tells who waits for it. */
void belay_tunnel_give_up(belay_tunnel *tunnel, belay_tunnel_client *c, const belay_error *fault);
/* Ends all of them, and the session; harmless when it is lost already. */
void belay_tunnel_lose_session(belay_tunnel *tunnel, const belay_error *fault);

#endif
