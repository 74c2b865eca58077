#include "remote/sftp.h"

#include <poll.h>
#include <stdio.h>

#include "remote/address.h"
#include "remote/sftp_wire.h"

enum {
    VERSION = 3,
    WINDOW_BYTES = 8 * 1024 * 1024, /* what the server may send ahead */
    IN_BYTES = BELAY_SFTP_PACKET_MAX + 4,
    HEADER_BYTES = 5,       /* length, kind */
    DATA_BYTES = 32 * 1024, /* which every server takes in one request */
    DATA_MAX = 128 * 1024,  /* of a request, where the server takes more */
    OUT_MAX = 64 * 1024 * 1024,
    SAID_MAX = 200
};

/* A call of libssh2 that has sent a part of its packet comes first, until it is through (remote/tunnel.h). */
typedef enum half { NOTHING, WRITING, READING } half;

struct belay_sftp {
    belay_ssh_session *session;
    LIBSSH2_CHANNEL *channel;
    belay_sftp_extensions can;
    size_t read_max, write_max;
    bool lost;
    half half_sent;
    uint32_t last_id;
    belay_str out; /* packets; those before out_at are sent */
    size_t out_at, packet_at;
    char *in; /* IN_BYTES; from in_at to in_end not looked at yet */
    size_t in_at, in_end;
};

static LIBSSH2_SESSION *handle_of(const belay_sftp *sftp)
{
    return belay_ssh_handle(sftp->session);
}

const belay_sftp_extensions *belay_sftp_can(const belay_sftp *sftp)
{
    return &sftp->can;
}

size_t belay_sftp_read_max(const belay_sftp *sftp)
{
    return sftp->read_max;
}

size_t belay_sftp_write_max(const belay_sftp *sftp)
{
    return sftp->write_max;
}

const char *belay_sftp_label(const belay_sftp *sftp)
{
    return belay_ssh_label(sftp->session);
}

void belay_sftp_heed_stop(belay_sftp *sftp, bool heed)
{
    belay_ssh_outlive_stop(sftp->session, !heed);
}

void belay_sftp_wake(belay_sftp *sftp)
{
    belay_ssh_heard(sftp->session);
}

/* ---- requests */

static void begin(belay_sftp *sftp, int kind)
{
    if (sftp->out_at > OUT_MAX / 16) { /* the sent part goes before it makes the rest slow to keep */
        memmove(sftp->out.data, sftp->out.data + sftp->out_at, sftp->out.length - sftp->out_at);
        sftp->out.length -= sftp->out_at;
        sftp->out_at = 0;
    }
    sftp->packet_at = sftp->out.length;
    belay_wire_put_u32(&sftp->out, 0);
    belay_str_append_char(&sftp->out, (char)kind);
}

static uint32_t begin_request(belay_sftp *sftp, int kind)
{
    begin(sftp, kind);
    belay_wire_put_u32(&sftp->out, ++sftp->last_id);
    return sftp->last_id;
}

static uint32_t end(belay_sftp *sftp)
{
    if (!sftp->out.failed)
        belay_wire_set_u32(
            sftp->out.data + sftp->packet_at, (uint32_t)(sftp->out.length - sftp->packet_at - 4));
    return sftp->last_id;
}

static uint32_t ask_text(belay_sftp *sftp, int kind, const char *text)
{
    begin_request(sftp, kind);
    belay_wire_put_span(&sftp->out, belay_span_of(text));
    return end(sftp);
}

static uint32_t ask_handle(belay_sftp *sftp, int kind, belay_span handle)
{
    begin_request(sftp, kind);
    belay_wire_put_span(&sftp->out, handle);
    return end(sftp);
}

enum {
    INIT = 1,
    OPEN = 3,
    CLOSE = 4,
    READ = 5,
    WRITE = 6,
    LSTAT = 7,
    FSTAT = 8,
    OPENDIR = 11,
    READDIR = 12,
    REMOVE = 13,
    MKDIR = 14,
    STAT = 17,
    RENAME = 18,
    EXTENDED = 200
};

uint32_t belay_sftp_lstat(belay_sftp *sftp, const char *path)
{
    return ask_text(sftp, LSTAT, path);
}

uint32_t belay_sftp_stat(belay_sftp *sftp, const char *path)
{
    return ask_text(sftp, STAT, path);
}

uint32_t belay_sftp_open_folder(belay_sftp *sftp, const char *path)
{
    return ask_text(sftp, OPENDIR, path);
}

uint32_t belay_sftp_remove(belay_sftp *sftp, const char *path)
{
    return ask_text(sftp, REMOVE, path);
}

uint32_t belay_sftp_fstat(belay_sftp *sftp, belay_span handle)
{
    return ask_handle(sftp, FSTAT, handle);
}

uint32_t belay_sftp_close_handle(belay_sftp *sftp, belay_span handle)
{
    return ask_handle(sftp, CLOSE, handle);
}

uint32_t belay_sftp_read_folder(belay_sftp *sftp, belay_span handle)
{
    return ask_handle(sftp, READDIR, handle);
}

uint32_t belay_sftp_open_file(belay_sftp *sftp, const char *path, unsigned flags)
{
    begin_request(sftp, OPEN);
    belay_wire_put_span(&sftp->out, belay_span_of(path));
    belay_wire_put_u32(&sftp->out, flags);
    belay_wire_put_mode(&sftp->out, 0600);
    return end(sftp);
}

uint32_t belay_sftp_make_folder(belay_sftp *sftp, const char *path)
{
    begin_request(sftp, MKDIR);
    belay_wire_put_span(&sftp->out, belay_span_of(path));
    belay_wire_put_mode(&sftp->out, 0700);
    return end(sftp);
}

uint32_t belay_sftp_read(belay_sftp *sftp, belay_span handle, uint64_t offset, size_t size_bytes)
{
    begin_request(sftp, READ);
    belay_wire_put_span(&sftp->out, handle);
    belay_wire_put_u64(&sftp->out, offset);
    belay_wire_put_u32(&sftp->out, (uint32_t)size_bytes);
    return end(sftp);
}

uint32_t belay_sftp_write(
    belay_sftp *sftp, belay_span handle, uint64_t offset, const void *data, size_t size_bytes)
{
    begin_request(sftp, WRITE);
    belay_wire_put_span(&sftp->out, handle);
    belay_wire_put_u64(&sftp->out, offset);
    belay_wire_put_span(&sftp->out, (belay_span){data, size_bytes});
    return end(sftp);
}

static uint32_t ask_pair(belay_sftp *sftp, const char *extension, const char *from, const char *to)
{
    begin_request(sftp, extension == NULL ? RENAME : EXTENDED);
    if (extension != NULL)
        belay_wire_put_span(&sftp->out, belay_span_of(extension));
    belay_wire_put_span(&sftp->out, belay_span_of(from));
    belay_wire_put_span(&sftp->out, belay_span_of(to));
    return end(sftp);
}

uint32_t belay_sftp_rename(belay_sftp *sftp, const char *from, const char *to)
{
    return ask_pair(sftp, NULL, from, to);
}

uint32_t belay_sftp_replace(belay_sftp *sftp, const char *from, const char *to)
{
    return ask_pair(sftp, "posix-rename@openssh.com", from, to);
}

static uint32_t ask_extended(belay_sftp *sftp, const char *extension, belay_span what)
{
    begin_request(sftp, EXTENDED);
    belay_wire_put_span(&sftp->out, belay_span_of(extension));
    if (what.data != NULL)
        belay_wire_put_span(&sftp->out, what);
    return end(sftp);
}

uint32_t belay_sftp_fsync(belay_sftp *sftp, belay_span handle)
{
    return ask_extended(sftp, "fsync@openssh.com", handle);
}

uint32_t belay_sftp_statvfs(belay_sftp *sftp, const char *path)
{
    return ask_extended(sftp, "statvfs@openssh.com", belay_span_of(path));
}

/* ---- the channel */

static bool fail_lost(belay_sftp *sftp, belay_error *err, const char *why)
{
    sftp->lost = true;
    return belay_fail(err, BELAY_E_SSH_LOST, "%s: the SFTP session is lost: %s", belay_sftp_label(sftp), why);
}

/* What a call on the channel said, when it is no success. Whatever failed, the stream of packets is torn. */
static bool judge(belay_sftp *sftp, half what, ssize_t status, belay_error *err)
{
    bool again = status == LIBSSH2_ERROR_EAGAIN;
    bool half_sent = again && (ssh.libssh2_session_block_directions(handle_of(sftp)) &
                                  LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0;
    sftp->half_sent = half_sent ? what : NOTHING;
    if (again || status >= 0)
        return true;
    belay_error why = {0};
    belay_ssh_fail(sftp->session, &why, "SFTP");
    sftp->lost = true;
    why.code = BELAY_E_SSH_LOST;
    if (err != NULL)
        *err = why;
    return false;
}

static bool send_out(belay_sftp *sftp, belay_error *err)
{
    while (sftp->out_at < sftp->out.length) {
        ssize_t put = ssh.libssh2_channel_write_ex(
            sftp->channel, 0, sftp->out.data + sftp->out_at, sftp->out.length - sftp->out_at);
        if (!judge(sftp, WRITING, put, err))
            return false;
        if (put <= 0)
            return true;
        sftp->out_at += (size_t)put;
    }
    belay_str_clear(&sftp->out);
    sftp->out_at = 0;
    return true;
}

static bool receive_in(belay_sftp *sftp, belay_error *err)
{
    if (sftp->in_at > 0) {
        memmove(sftp->in, sftp->in + sftp->in_at, sftp->in_end - sftp->in_at);
        sftp->in_end -= sftp->in_at;
        sftp->in_at = 0;
    }
    while (sftp->in_end < IN_BYTES) {
        ssize_t got =
            ssh.libssh2_channel_read_ex(sftp->channel, 0, sftp->in + sftp->in_end, IN_BYTES - sftp->in_end);
        if (!judge(sftp, READING, got, err))
            return false;
        if (got == LIBSSH2_ERROR_EAGAIN)
            return true;
        if (got == 0)
            return ssh.libssh2_channel_eof(sftp->channel) == 0 || fail_lost(sftp, err, "the server ended it");
        sftp->in_end += (size_t)got;
    }
    return true;
}

static bool pump(belay_sftp *sftp, belay_error *err)
{
    if (sftp->lost)
        return fail_lost(sftp, err, "it was lost before");
    if (sftp->out.failed)
        return fail_lost(sftp, err, "no memory for its requests");
    if (sftp->half_sent == READING && !receive_in(sftp, err))
        return false;
    if (sftp->half_sent != READING && !send_out(sftp, err))
        return false;
    return sftp->half_sent != NOTHING || receive_in(sftp, err);
}

/* The next whole packet, without its length. False: it is no SFTP. */
static bool take_packet(belay_sftp *sftp, belay_span *ret, bool *ret_has, belay_error *err)
{
    size_t there = sftp->in_end - sftp->in_at;
    const char *at = sftp->in + sftp->in_at;
    *ret_has = false;
    if (there < HEADER_BYTES)
        return true;
    uint32_t length = belay_wire_u32(at);
    if (length == 0 || length > BELAY_SFTP_PACKET_MAX) {
        fail_lost(sftp, err, "what it sends is no SFTP");
        BELAY_AUTO(belay_free) char *raw = belay_strndup(at, there < SAID_MAX ? there : SAID_MAX);
        BELAY_AUTO(belay_free) char *said = belay_printable(raw, "\n\t");
        return belay_error_detail(err, "%s", said);
    }
    if (there - 4 < length)
        return true;
    *ret = (belay_span){at + 4, length};
    *ret_has = true;
    sftp->in_at += 4 + (size_t)length;
    return true;
}

bool belay_sftp_poll(belay_sftp *sftp, belay_sftp_answer *ret, bool *ret_has, belay_error *err)
{
    belay_span packet;
    if (!take_packet(sftp, &packet, ret_has, err))
        return false;
    if (!*ret_has && (!pump(sftp, err) || !take_packet(sftp, &packet, ret_has, err)))
        return false;
    return !*ret_has || belay_wire_take_answer(packet, ret) || fail_lost(sftp, err, "an answer of it is cut");
}

bool belay_sftp_next(belay_sftp *sftp, int64_t deadline_ms, belay_sftp_answer *ret, belay_error *err)
{
    for (;;) {
        bool has = false;
        if (!belay_sftp_poll(sftp, ret, &has, err))
            return false;
        if (has)
            return true;
        if (!belay_ssh_wait(sftp->session, deadline_ms, err)) {
            /* Where no answer came, none will. */
            sftp->lost = sftp->lost || err == NULL || err->code != BELAY_E_CANCELLED;
            return false;
        }
    }
}

bool belay_sftp_flush(belay_sftp *sftp, belay_error *err)
{
    return pump(sftp, err);
}

bool belay_sftp_is_lost(belay_sftp *sftp)
{
    struct pollfd look = {.fd = belay_ssh_fd(sftp->session), .events = POLLIN};
    if (!sftp->lost && poll(&look, 1, 0) > 0)
        pump(sftp, NULL);
    return sftp->lost;
}

/* ---- opening */

static bool open_channel(belay_sftp *sftp, int64_t deadline_ms, belay_error *err)
{
    static const char type[] = "session", subsystem[] = "subsystem", name[] = "sftp";
    for (;;) {
        sftp->channel = ssh.libssh2_channel_open_ex(
            handle_of(sftp), type, sizeof type - 1, WINDOW_BYTES, LIBSSH2_CHANNEL_PACKET_DEFAULT, NULL, 0);
        if (sftp->channel != NULL)
            break;
        if (ssh.libssh2_session_last_errno(handle_of(sftp)) != LIBSSH2_ERROR_EAGAIN)
            return belay_ssh_fail(sftp->session, err, "cannot open a channel");
        if (!belay_ssh_wait(sftp->session, deadline_ms, err))
            return false;
    }
    int status;
    BELAY_SSH_TRY(sftp->session, deadline_ms, status,
        ssh.libssh2_channel_process_startup(
            sftp->channel, subsystem, sizeof subsystem - 1, name, sizeof name - 1),
        err);
    if (status == 0)
        return true;
    belay_ssh_fail(sftp->session, err, "it offers no SFTP");
    BELAY_AUTO(belay_free) char *word = belay_ssh_address_word(belay_sftp_label(sftp), "sftp");
    return belay_error_hint(
        err, "its sshd_config needs a line `Subsystem sftp internal-sftp`; `sftp %s` tells", word);
}

static void take_extensions(belay_sftp *sftp, belay_wire wire)
{
    const struct {
        const char *name, *version;
        bool *to;
    } known[] = {{"posix-rename@openssh.com", "1", &sftp->can.posix_rename},
        {"fsync@openssh.com", "1", &sftp->can.fsync}, {"statvfs@openssh.com", "2", &sftp->can.statvfs},
        {"limits@openssh.com", "1", &sftp->can.limits}};
    belay_span name, version;
    while (belay_wire_take_span(&wire, &name) && belay_wire_take_span(&wire, &version)) {
        for (size_t i = 0; i < BELAY_COUNT(known); i++) {
            if (belay_span_equals(name, known[i].name) && belay_span_equals(version, known[i].version))
                *known[i].to = true;
        }
    }
}

static bool greet(belay_sftp *sftp, int64_t deadline_ms, belay_error *err)
{
    enum { ANSWER = 2 };
    belay_span packet;
    bool has = false;
    uint32_t version = 0;
    begin(sftp, INIT);
    belay_wire_put_u32(&sftp->out, VERSION);
    end(sftp);
    while (!has) {
        if (!pump(sftp, err) || !take_packet(sftp, &packet, &has, err) ||
            (!has && !belay_ssh_wait(sftp->session, deadline_ms, err)))
            return false;
    }
    belay_wire wire = {packet.data + 1, packet.length - 1};
    if (packet.data[0] != ANSWER || !belay_wire_take_u32(&wire, &version) || version != VERSION)
        return belay_fail(
            err, BELAY_E_SSH, "%s: its SFTP is not of version %d", belay_sftp_label(sftp), VERSION);
    take_extensions(sftp, wire);
    return true;
}

static size_t bounded(uint64_t told)
{
    return told == 0 || told > DATA_MAX ? DATA_MAX : (size_t)told;
}

static bool ask_limits(belay_sftp *sftp, int64_t deadline_ms, belay_error *err)
{
    belay_sftp_answer answer;
    uint64_t packet = 0, read_max = 0, write_max = 0;
    if (!sftp->can.limits)
        return true;
    ask_extended(sftp, "limits@openssh.com", (belay_span){NULL, 0});
    if (!belay_sftp_next(sftp, deadline_ms, &answer, err))
        return false;
    belay_wire wire = {answer.body.data, answer.body.length};
    if (answer.kind == BELAY_SFTP_EXTENDED && belay_wire_take_u64(&wire, &packet) &&
        belay_wire_take_u64(&wire, &read_max) && belay_wire_take_u64(&wire, &write_max)) {
        sftp->read_max = bounded(read_max);
        sftp->write_max = bounded(write_max);
    }
    return true;
}

/* The SSH server is there, and what it started is no SFTP server, or none that gets to speak. */
static bool fail_no_sftp(const belay_sftp *sftp, belay_error *err)
{
    if (err == NULL || belay_ssh_has_ended(sftp->session) ||
        (err->code != BELAY_E_SSH_LOST && err->code != BELAY_E_DEADLINE))
        return belay_ssh_not_reached(err);
    if (err->code == BELAY_E_DEADLINE)
        belay_fail(err, BELAY_E_SSH, "%s: the SFTP server says nothing", belay_sftp_label(sftp));
    err->code = BELAY_E_SSH;
    BELAY_AUTO(belay_free) char *word = belay_ssh_address_word(belay_sftp_label(sftp), "sftp");
    return belay_error_hint(err,
        "does a start-up file of the user's shell over there print something, end or wait, or is there "
        "nothing "
        "to run where `Subsystem sftp` says? `sftp %s` would fail, too",
        word);
}

bool belay_sftp_open(const belay_ssh_options *options, belay_sftp **ret, belay_error *err)
{
    int64_t connect_ms = options->connect_ms > 0 ? options->connect_ms : BELAY_SSH_CONNECT_MS;
    BELAY_AUTO(belay_sftp_close) belay_sftp *sftp = belay_alloc(sizeof *sftp);
    sftp->out = BELAY_STR_MAX(OUT_MAX);
    sftp->in = belay_alloc(IN_BYTES);
    sftp->read_max = sftp->write_max = DATA_BYTES;
    if (!belay_ssh_open(options, &sftp->session, err))
        return false;
    int64_t deadline_ms = belay_now_ms() + connect_ms;
    if (!open_channel(sftp, deadline_ms, err) || !greet(sftp, deadline_ms, err) ||
        !ask_limits(sftp, deadline_ms, err))
        return fail_no_sftp(sftp, err);
    *ret = belay_take(sftp);
    return true;
}

void belay_sftp_close(belay_sftp *sftp)
{
    if (sftp == NULL)
        return;
    belay_ssh_close(sftp->session); /* the channel goes with it */
    belay_str_done(&sftp->out);
    free(sftp->in);
    free(sftp);
}

/* ---- answers */

bool belay_sftp_take_name(belay_span *body, belay_span *ret_name, belay_sftp_attributes *ret)
{
    belay_wire wire = {body->data, body->length};
    belay_span shown;
    if (!belay_wire_take_span(&wire, ret_name) || !belay_wire_take_span(&wire, &shown) ||
        !belay_wire_take_attributes(&wire, ret))
        return false;
    *body = (belay_span){wire.data, wire.length};
    return true;
}

bool belay_sftp_free_bytes(belay_span body, uint64_t *ret)
{
    belay_wire wire = {body.data, body.length};
    uint64_t block_bytes, fragment_bytes, blocks, free_blocks, available_blocks;
    if (!belay_wire_take_u64(&wire, &block_bytes) || !belay_wire_take_u64(&wire, &fragment_bytes) ||
        !belay_wire_take_u64(&wire, &blocks) || !belay_wire_take_u64(&wire, &free_blocks) ||
        !belay_wire_take_u64(&wire, &available_blocks))
        return false;
    *ret = fragment_bytes != 0 && available_blocks > UINT64_MAX / fragment_bytes
               ? UINT64_MAX
               : available_blocks * fragment_bytes;
    return true;
}
