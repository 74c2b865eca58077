#include "seal/age_file.h"
#include "util/clock.h"

enum {
    PIECE_BYTES = 64 * 1024,
    SEALED_BYTES = PIECE_BYTES + BELAY_TAG_BYTES,
    FILE_NONCE_BYTES = 16,
    BATCH_PIECES = 8 /* read at once, so that a distant store is not asked for each */
};

static void payload_key(const uint8_t file_key[static BELAY_AGE_FILE_KEY_BYTES],
    const uint8_t nonce[static FILE_NONCE_BYTES], uint8_t ret[static BELAY_KEY_BYTES])
{
    belay_hkdf(file_key, BELAY_AGE_FILE_KEY_BYTES, nonce, FILE_NONCE_BYTES, "payload", ret);
}

/* 11 bytes of number, the highest first, and the flag of the last piece. */
static void piece_nonce(uint64_t number, bool last, uint8_t ret[static BELAY_NONCE_BYTES])
{
    memset(ret, 0, BELAY_NONCE_BYTES);
    for (size_t i = 0; i < sizeof number; i++)
        ret[BELAY_NONCE_BYTES - 2 - i] = (uint8_t)(number >> (8 * i));
    ret[BELAY_NONCE_BYTES - 1] = last ? 1 : 0;
}

typedef struct age_sink {
    belay_sink base;
    belay_sink *to;
    uint8_t *key; /* locked */
    uint64_t piece;
    size_t held_bytes;
    bool ended;
    uint8_t held[PIECE_BYTES];
    uint8_t sealed[SEALED_BYTES];
} age_sink;

static bool put_piece(age_sink *self, const void *data, size_t size_bytes, bool last, belay_error *err)
{
    uint8_t nonce[BELAY_NONCE_BYTES];
    piece_nonce(self->piece++, last, nonce);
    belay_aead_seal(self->key, nonce, data, size_bytes, self->sealed);
    return self->to->write(self->to, self->sealed, size_bytes + BELAY_TAG_BYTES, err);
}

/* A full piece waits for a byte behind it: until then it may be the last. */
static bool sink_write(belay_sink *base, const void *data, size_t size_bytes, belay_error *err)
{
    age_sink *self = (age_sink *)base;
    const uint8_t *from = data;
    if (self->ended)
        return belay_fail(err, BELAY_E_INTERNAL, "an encrypted file was ended and is written to");
    while (size_bytes > 0) {
        if (self->held_bytes == PIECE_BYTES) {
            if (!put_piece(self, self->held, PIECE_BYTES, false, err))
                return false;
            self->held_bytes = 0;
        }
        for (; self->held_bytes == 0 && size_bytes > PIECE_BYTES; from += PIECE_BYTES) {
            if (!put_piece(self, from, PIECE_BYTES, false, err))
                return false;
            size_bytes -= PIECE_BYTES;
        }
        size_t room = PIECE_BYTES - self->held_bytes;
        size_t taken = size_bytes < room ? size_bytes : room;
        memcpy(self->held + self->held_bytes, from, taken);
        self->held_bytes += taken;
        from += taken;
        size_bytes -= taken;
    }
    return true;
}

static bool sink_sync(belay_sink *base, belay_error *err)
{
    age_sink *self = (age_sink *)base;
    if (!self->ended && !put_piece(self, self->held, self->held_bytes, true, err))
        return false;
    self->ended = true;
    return self->to->sync(self->to, err);
}

static void sink_close(belay_sink *base)
{
    age_sink *self = (age_sink *)base;
    belay_sink_close(self->to);
    belay_locked_free(self->key);
    explicit_bzero(self->held, sizeof self->held);
    free(self);
}

bool belay_age_encrypt(belay_sink *to, const belay_age_recipients *recipients,
    const uint8_t file_key[static BELAY_AGE_FILE_KEY_BYTES], belay_sink **ret, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str header = BELAY_STR_MAX(BELAY_AGE_HEADER_MAX + PIECE_BYTES);
    uint8_t nonce[FILE_NONCE_BYTES];
    belay_random_bytes(nonce, sizeof nonce);
    if (!belay_age_header_write(recipients, file_key, &header, err) ||
        !to->write(to, header.data, header.length, err) || !to->write(to, nonce, sizeof nonce, err))
        return false;
    age_sink *sink = belay_alloc(sizeof *sink);
    sink->base = (belay_sink){sink_write, sink_sync, sink_close};
    sink->to = to;
    sink->key = belay_locked_alloc(BELAY_KEY_BYTES);
    payload_key(file_key, nonce, sink->key);
    *ret = &sink->base;
    return true;
}

typedef struct age_source {
    belay_source base;
    belay_source *from;
    uint8_t *key;     /* locked */
    uint64_t payload; /* offset of piece 0 */
    uint64_t pieces;
} age_source;

static size_t piece_bytes(const age_source *self, uint64_t number)
{
    return number + 1 < self->pieces ? PIECE_BYTES : (size_t)(self->base.size_bytes - number * PIECE_BYTES);
}

/* `sealed` is the piece as it stands in the file; `ret` has room for piece_bytes, or is NULL: only checked.
 */
static bool open_piece(const age_source *self, uint64_t number, uint8_t *sealed, void *ret, belay_error *err)
{
    uint8_t nonce[BELAY_NONCE_BYTES];
    bool last = number + 1 == self->pieces;
    piece_nonce(number, last, nonce);
    if (belay_aead_open(self->key, nonce, sealed, piece_bytes(self, number) + BELAY_TAG_BYTES,
            ret == NULL ? sealed : ret))
        return true;
    return belay_fail(err, BELAY_E_ARCHIVE, "encrypted piece %llu of %llu, at byte %llu, is damaged%s",
        (unsigned long long)number + 1, (unsigned long long)self->pieces,
        (unsigned long long)(self->payload + number * SEALED_BYTES), last ? ", or the file was cut off" : "");
}

/* What of a piece lies in the span that was asked for: whole pieces are decrypted into place. */
static bool copy_piece(age_source *self, uint64_t number, uint8_t *sealed, uint64_t offset, uint8_t *to,
    size_t size_bytes, belay_error *err)
{
    uint64_t start = number * PIECE_BYTES;
    size_t length = piece_bytes(self, number);
    size_t skipped = offset > start ? (size_t)(offset - start) : 0;
    uint64_t end = offset + size_bytes < start + length ? offset + size_bytes : start + length;
    uint8_t *place = to + (start + skipped - offset);
    if (skipped == 0 && end == start + length)
        return open_piece(self, number, sealed, place, err);
    if (!open_piece(self, number, sealed, sealed, err))
        return false;
    memcpy(place, sealed + skipped, (size_t)(end - start) - skipped);
    return true;
}

static bool read_batch(age_source *self, uint64_t first, uint64_t count, uint8_t *sealed, uint64_t offset,
    uint8_t *to, size_t size_bytes, belay_error *err)
{
    size_t bytes =
        (size_t)(count - 1) * SEALED_BYTES + piece_bytes(self, first + count - 1) + BELAY_TAG_BYTES;
    bool ok = self->from->read(self->from, self->payload + first * SEALED_BYTES, sealed, bytes, err);
    for (uint64_t i = 0; ok && i < count; i++)
        ok = copy_piece(self, first + i, sealed + i * SEALED_BYTES, offset, to, size_bytes, err);
    return ok;
}

static bool source_read(belay_source *base, uint64_t offset, void *data, size_t size_bytes, belay_error *err)
{
    age_source *self = (age_source *)base;
    if (offset > base->size_bytes || size_bytes > base->size_bytes - offset)
        return belay_fail(err, BELAY_E_IO, "%llu bytes at %llu are not in the file",
            (unsigned long long)size_bytes, (unsigned long long)offset);
    if (size_bytes == 0)
        return true;
    uint64_t first = offset / PIECE_BYTES;
    uint64_t end = (offset + size_bytes - 1) / PIECE_BYTES + 1;
    uint64_t batch = end - first < BATCH_PIECES ? end - first : BATCH_PIECES;
    uint8_t *sealed = belay_try_alloc((size_t)batch * SEALED_BYTES, err);
    bool ok = sealed != NULL;
    for (uint64_t at = first; ok && at < end; at += batch)
        ok = read_batch(self, at, end - at < batch ? end - at : batch, sealed, offset, data, size_bytes, err);
    free(sealed);
    return ok;
}

static void source_close(belay_source *base)
{
    age_source *self = (age_source *)base;
    belay_source_close(self->from);
    belay_locked_free(self->key);
    free(self);
}

belay_source *belay_age_encrypted(belay_source *source)
{
    return ((age_source *)source)->from;
}

/* Header and nonce, and from them the key and where the pieces are. */
static bool read_front(age_source *self, const belay_age_opener *opener, belay_error *err)
{
    BELAY_AUTO(belay_free) char *front = belay_try_alloc(BELAY_AGE_HEADER_MAX, err);
    uint64_t size = self->from->size_bytes;
    size_t there = size < BELAY_AGE_HEADER_MAX ? (size_t)size : BELAY_AGE_HEADER_MAX;
    uint8_t file_key[BELAY_AGE_FILE_KEY_BYTES], nonce[FILE_NONCE_BYTES];
    size_t header = 0;
    if (front == NULL || !self->from->read(self->from, 0, front, there, err))
        return false;
    bool ok = opener->file_key == NULL
                  ? belay_age_header_open(front, there, opener->identities, file_key, &header, err)
                  : belay_age_header_check(front, there, opener->file_key, &header, err);
    ok = ok && (size - header >= FILE_NONCE_BYTES + BELAY_TAG_BYTES ||
                   belay_fail(err, BELAY_E_ARCHIVE, "the encrypted file was cut off behind its header"));
    ok = ok && self->from->read(self->from, header, nonce, sizeof nonce, err);
    if (ok)
        payload_key(opener->file_key == NULL ? file_key : opener->file_key, nonce, self->key);
    explicit_bzero(file_key, sizeof file_key);
    self->payload = header + FILE_NONCE_BYTES;
    return ok;
}

static bool check_last(age_source *self, belay_error *err)
{
    uint64_t sealed_bytes = self->from->size_bytes - self->payload;
    self->pieces = (sealed_bytes + SEALED_BYTES - 1) / SEALED_BYTES;
    uint64_t rest = sealed_bytes - (self->pieces - 1) * SEALED_BYTES;
    if (rest < BELAY_TAG_BYTES || (rest == BELAY_TAG_BYTES && self->pieces > 1))
        return belay_fail(err, BELAY_E_ARCHIVE, "the encrypted file was cut off at byte %llu",
            (unsigned long long)self->from->size_bytes);
    self->base.size_bytes = sealed_bytes - self->pieces * BELAY_TAG_BYTES;
    BELAY_AUTO(belay_free) uint8_t *sealed = belay_try_alloc((size_t)rest, err);
    return sealed != NULL &&
           self->from->read(
               self->from, self->payload + (self->pieces - 1) * SEALED_BYTES, sealed, (size_t)rest, err) &&
           open_piece(self, self->pieces - 1, sealed, NULL, err);
}

bool belay_age_decrypt(
    belay_source *from, const belay_age_opener *opener, belay_source **ret, belay_error *err)
{
    age_source *source = belay_alloc(sizeof *source);
    source->base = (belay_source){0, source_read, source_close};
    source->key = belay_locked_alloc(BELAY_KEY_BYTES);
    source->from = from;
    if (read_front(source, opener, err) && check_last(source, err)) {
        *ret = &source->base;
        return true;
    }
    belay_locked_free(source->key);
    free(source);
    return false;
}
