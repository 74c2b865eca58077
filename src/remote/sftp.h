/* The SFTP protocol, version 3 (draft-ietf-secsh-filexfer-02), over a channel of an SSH session of its own,
 * with those of OpenSSH's extensions (PROTOCOL in its sources) that a store needs.
 *
 * libssh2 has an SFTP client, too; it knows neither posix-rename nor limits, takes one request at a time for
 * all that is not data, and asks for several times what it was told to read. So requests and answers are made
 * here, any number of them under way, and libssh2 carries the channel.
 *
 *   id = belay_sftp_lstat(sftp, "a");       asks; does not wait, and cannot fail
 *   other = belay_sftp_lstat(sftp, "b");
 *   belay_sftp_next(sftp, deadline, &answer, err);    answers in the order in which they come, by id
 *
 * A session whose channel failed is of no more use: every call says BELAY_E_SSH_LOST. One thread at a time.
 */
#ifndef BELAY_REMOTE_SFTP_H
#define BELAY_REMOTE_SFTP_H

#include <sys/stat.h>

#include "remote/session.h"
#include "util/str.h"

/* A longer packet is none of SFTP; so much is in memory for each direction besides what is under way. */
enum { BELAY_SFTP_PACKET_MAX = 1024 * 1024 };

typedef enum belay_sftp_kind {
    BELAY_SFTP_STATUS = 101,
    BELAY_SFTP_HANDLE = 102,
    BELAY_SFTP_DATA = 103,
    BELAY_SFTP_NAMES = 104,
    BELAY_SFTP_ATTRIBUTES = 105,
    BELAY_SFTP_EXTENDED = 201
} belay_sftp_kind;

typedef enum belay_sftp_status {
    BELAY_SFTP_OK,
    BELAY_SFTP_EOF,
    BELAY_SFTP_NO_SUCH_FILE,
    BELAY_SFTP_PERMISSION_DENIED,
    BELAY_SFTP_FAILURE,
    BELAY_SFTP_BAD_MESSAGE,
    BELAY_SFTP_NO_CONNECTION,
    BELAY_SFTP_CONNECTION_LOST,
    BELAY_SFTP_UNSUPPORTED
} belay_sftp_status;

/* Flags of belay_sftp_open_file. */
enum {
    BELAY_SFTP_READ = 0x01,
    BELAY_SFTP_WRITE = 0x02,
    BELAY_SFTP_APPEND = 0x04, /* writes go to the end, wherever they say; not every server heeds it */
    BELAY_SFTP_CREATE = 0x08,
    BELAY_SFTP_EXCLUSIVE = 0x20 /* with CREATE: the name must be free; a link is not followed */
};

/* What a server may be able to do beyond version 3. */
typedef struct belay_sftp_extensions {
    bool posix_rename; /* replaces */
    bool fsync;
    bool statvfs;
    bool limits;
} belay_sftp_extensions;

typedef struct belay_sftp_attributes {
    bool has_size, has_mode, has_time; /* servers may leave out any of them */
    uint64_t size_bytes;
    mode_t mode;
    int64_t modified_utc; /* seconds */
} belay_sftp_attributes;

typedef struct belay_sftp_answer {
    uint32_t id;
    belay_sftp_kind kind;
    uint32_t status;                  /* of STATUS; else BELAY_SFTP_OK */
    belay_sftp_attributes attributes; /* of ATTRIBUTES */
    /* STATUS: the server's words. HANDLE, DATA: it. NAMES, EXTENDED: to be read by functions below. Valid
     * until the next call with this sftp. */
    belay_span body;
} belay_sftp_answer;

typedef struct belay_sftp belay_sftp;

/* Connects, logs in, and asks what the server can do. */
bool belay_sftp_open(const belay_ssh_options *options, belay_sftp **ret, belay_error *err);
void belay_sftp_close(belay_sftp *sftp);
BELAY_DEFINE_AUTO(belay_sftp, belay_sftp_close)
const belay_sftp_extensions *belay_sftp_can(const belay_sftp *sftp);
/* Most bytes of one read, and of one write. */
size_t belay_sftp_read_max(const belay_sftp *sftp);
size_t belay_sftp_write_max(const belay_sftp *sftp);
const char *belay_sftp_label(const belay_sftp *sftp);
/* Nothing can be asked of it any more; also when the server hung up meanwhile, which takes no waiting. */
bool belay_sftp_is_lost(belay_sftp *sftp);
/* It was not used for long, so nothing was heard of it: what it does not say from now on counts. */
void belay_sftp_wake(belay_sftp *sftp);
/* Ends waits at a stop request from now on, or not. */
void belay_sftp_heed_stop(belay_sftp *sftp, bool heed);

/* Requests; each returns its id. Paths as the server knows them. */
uint32_t belay_sftp_lstat(belay_sftp *sftp, const char *path);
uint32_t belay_sftp_stat(belay_sftp *sftp, const char *path);
uint32_t belay_sftp_fstat(belay_sftp *sftp, belay_span handle);
uint32_t belay_sftp_open_file(belay_sftp *sftp, const char *path, unsigned flags); /* a new one gets 0600 */
uint32_t belay_sftp_open_folder(belay_sftp *sftp, const char *path);
uint32_t belay_sftp_close_handle(belay_sftp *sftp, belay_span handle);
uint32_t belay_sftp_read(belay_sftp *sftp, belay_span handle, uint64_t offset, size_t size_bytes);
uint32_t belay_sftp_read_folder(belay_sftp *sftp, belay_span handle);
uint32_t belay_sftp_write(
    belay_sftp *sftp, belay_span handle, uint64_t offset, const void *data, size_t size_bytes);
uint32_t belay_sftp_make_folder(belay_sftp *sftp, const char *path); /* 0700 */
uint32_t belay_sftp_remove(belay_sftp *sftp, const char *path);
uint32_t belay_sftp_rename(belay_sftp *sftp, const char *from, const char *to); /* `to` must be free */
/* Of the extensions: only where belay_sftp_can says so. */
uint32_t belay_sftp_replace(belay_sftp *sftp, const char *from, const char *to);
uint32_t belay_sftp_fsync(belay_sftp *sftp, belay_span handle);
uint32_t belay_sftp_statvfs(belay_sftp *sftp, const char *path);

/* The next answer; sends what was asked. BELAY_E_SSH_LOST, BELAY_E_CANCELLED; BELAY_E_DEADLINE at deadline_ms
 * (belay_now_ms's clock). */
bool belay_sftp_next(belay_sftp *sftp, int64_t deadline_ms, belay_sftp_answer *ret, belay_error *err);
/* The same without waiting: *ret_has false when none has come. */
bool belay_sftp_poll(belay_sftp *sftp, belay_sftp_answer *ret, bool *ret_has, belay_error *err);
/* Sends what was asked as far as that takes no waiting. */
bool belay_sftp_flush(belay_sftp *sftp, belay_error *err);

/* Takes an entry off a body of NAMES; false at its end. `ret_name` is valid as the body is. */
bool belay_sftp_take_name(belay_span *body, belay_span *ret_name, belay_sftp_attributes *ret);
/* Free bytes for users, from the EXTENDED answer to statvfs; false when it is cut. */
bool belay_sftp_free_bytes(belay_span body, uint64_t *ret);

#endif
