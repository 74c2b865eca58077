#include "seal/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "seal/age_key.h"
#include "seal/minisign.h"
#include "util/clock.h"
#include "util/file.h"

enum { KEY_FILE_MAX_BYTES = 1024 * 1024 };

static bool make_folder_of(const char *path, belay_error *err)
{
    BELAY_AUTO(belay_free) char *folder = belay_path_folder(path);
    return belay_make_folders(folder, 0700, err);
}

static bool write_new(const char *path, const char *text, mode_t mode, belay_error *err)
{
    if (!make_folder_of(path, err))
        return false;
    BELAY_AUTO(belay_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST) {
        belay_fail(err, BELAY_E_POLICY,
            "%s exists, and is not written over: what it decrypts or signs may need it", path);
        return belay_error_hint(err, "name another file; `belay key show %s` prints its public part", path);
    }
    if (fd < 0)
        return belay_fail_errno(err, errno, "cannot create %s", path);
    bool ok = (fchmod(fd, mode) == 0 || belay_fail_errno(err, errno, "cannot chmod %s", path)) &&
              belay_write_all(fd, text, strlen(text), path, err) &&
              (fsync(fd) == 0 || belay_fail_errno(err, errno, "cannot sync %s", path)) &&
              belay_sync_folder_of(path, err);
    if (!ok)
        unlink(path);
    return ok;
}

bool belay_key_file_new_identity(const char *path, char **ret_recipient, belay_error *err)
{
    char identity[BELAY_BECH32_SIZE], recipient[BELAY_BECH32_SIZE], now[BELAY_UTC_SIZE];
    if (!belay_crypto_load(err))
        return false;
    belay_age_generate(identity, recipient);
    belay_format_utc(belay_now_utc(), now);
    BELAY_AUTO(belay_free_secret)
    char *text = belay_format("# created: %s\n# public key: %s\n%s\n", now, recipient, identity);
    explicit_bzero(identity, sizeof identity);
    if (!write_new(path, text, 0600, err))
        return false;
    *ret_recipient = belay_strdup(recipient);
    return true;
}

static char *public_path_of(const char *path)
{
    static const char end[] = ".key";
    size_t length = strlen(path) - (belay_ends_with(path, end) ? strlen(end) : 0);
    return belay_format("%.*s.pub", (int)length, path);
}

static bool write_pair(const char *path, const char *secret_text, const char *public_path,
    const char *public_text, belay_error *err)
{
    if (!write_new(public_path, public_text, 0644, err))
        return false;
    if (write_new(path, secret_text, 0600, err))
        return true;
    unlink(public_path);
    return false;
}

bool belay_key_file_new_signer(const char *path, char **ret_public_path, char **ret_key, belay_error *err)
{
    BELAY_AUTO(belay_free) char *public_path = public_path_of(path);
    BELAY_AUTO(belay_free_secret) char *secret_text = NULL;
    BELAY_AUTO(belay_free) char *public_text = NULL;
    char word[BELAY_SIGN_TEXT_SIZE];
    belay_sign_public key;
    if (!belay_crypto_load(err))
        return false;
    belay_sign_generate(&secret_text, &public_text, &key);
    if (!write_pair(path, secret_text, public_path, public_text, err))
        return false;
    belay_sign_public_text(&key, word);
    *ret_public_path = belay_take(public_path);
    *ret_key = belay_strdup(word);
    return true;
}

static bool list_recipients(const char *text, const char *path, belay_list *ret, belay_error *err)
{
    belay_age_identities identities = {0};
    if (!belay_age_identities_read(&identities, text, path, err))
        return false;
    for (size_t i = 0; i < identities.count; i++) {
        char recipient[BELAY_BECH32_SIZE];
        belay_age_recipient_text(identities.items[i].recipient, recipient);
        belay_list_add(ret, recipient);
    }
    belay_age_identities_done(&identities);
    return true;
}

static void add_key(const belay_sign_public *key, belay_list *ret)
{
    char word[BELAY_SIGN_TEXT_SIZE];
    belay_sign_public_text(key, word);
    belay_list_add(ret, word);
}

static bool list_signer(
    const char *text, const char *path, belay_list *ret, bool *ret_is_public, belay_error *err)
{
    belay_sign_public key;
    *ret_is_public = belay_sign_public_read(text, path, &key, NULL);
    if (*ret_is_public) {
        add_key(&key, ret);
        return true;
    }
    belay_signer *signer = belay_locked_alloc(sizeof *signer);
    bool ok = belay_signer_read(text, path, signer, err);
    if (ok) {
        belay_sign_public_of(signer, &key);
        add_key(&key, ret);
    }
    belay_locked_free(signer);
    return ok;
}

bool belay_key_file_public(const char *path, belay_list *ret, bool *ret_is_public, belay_error *err)
{
    *ret_is_public = false;
    BELAY_AUTO(belay_free_secret) char *text = NULL;
    if (!belay_crypto_load(err) || !belay_read_file(path, KEY_FILE_MAX_BYTES, &text, NULL, err))
        return false;
    return belay_starts_with(text, "untrusted comment:") ? list_signer(text, path, ret, ret_is_public, err)
                                                         : list_recipients(text, path, ret, err);
}
