/* The ciphers with the key stream made ahead do what libcrypto's own do, whatever the pieces; a rule of
 * openssl.cnf stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "remote/key_stream.h"

static void *before; /* the tests */

enum { DATA_BYTES = 20000 };

static const char *const names[] = {"AES-128-CTR", "AES-192-CTR", "AES-256-CTR"};

/* Reproducible. */
static void fill(unsigned char *data, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (unsigned char)(seed >> 24);
    }
}

static const char *provider_of(const EVP_CIPHER *cipher)
{
    return OSSL_PROVIDER_get0_name(EVP_CIPHER_get0_provider(cipher));
}

static EVP_CIPHER_CTX *begin(
    const char *name, const char *from, const unsigned char *key, const unsigned char *iv, int encrypt)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, from);
    assert_non_null(cipher);
    assert_int_equal(EVP_CipherInit_ex2(context, cipher, key, iv, encrypt, NULL), 1);
    EVP_CIPHER_free(cipher);
    return context;
}

static void expect(const char *name, const unsigned char *key, const unsigned char *iv,
    const unsigned char *plain, unsigned char *ret)
{
    int size = 0;
    EVP_CIPHER_CTX *own = begin(name, "provider=default", key, iv, 1);
    assert_int_equal(EVP_EncryptUpdate(own, ret, &size, plain, DATA_BYTES), 1);
    assert_int_equal(size, DATA_BYTES);
    EVP_CIPHER_CTX_free(own);
}

static void ciphers_are_found_by_name_and_by_function(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, names[i], NULL);
        assert_string_equal(provider_of(cipher), "belay");
        assert_int_equal(EVP_CIPHER_get_key_length(cipher), 16 + 8 * (int)i);
        assert_int_equal(EVP_CIPHER_get_iv_length(cipher), 16);
        assert_int_equal(EVP_CIPHER_get_block_size(cipher), 1);
        assert_int_equal(EVP_CIPHER_get_mode(cipher), EVP_CIPH_CTR_MODE);
        EVP_CIPHER_free(cipher);
    }
    unsigned char key[32] = {0}, iv[16] = {0};
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_CipherInit(context, EVP_aes_256_ctr(), key, iv, 1), 1); /* as libssh2 does */
    assert_string_equal(provider_of(EVP_CIPHER_CTX_get0_cipher(context)), "belay");
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER *other = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    assert_string_equal(provider_of(other), "default");
    EVP_CIPHER_free(other);
}

static void pieces_of_any_size_give_what_libcrypto_gives(void **state)
{
    (void)state;
    static unsigned char plain[DATA_BYTES], wanted[DATA_BYTES], got[DATA_BYTES];
    unsigned char key[32], iv[16];
    fill(plain, sizeof plain, 1);
    for (unsigned seed = 2; seed < 40; seed++) {
        const char *name = names[seed % 3];
        fill(key, sizeof key, seed);
        fill(iv, sizeof iv, seed + 100);
        if (seed % 4 == 0)
            memset(iv, 0xff, sizeof iv); /* the counter begins again */
        expect(name, key, iv, plain, wanted);
        EVP_CIPHER_CTX *context = begin(name, "provider=belay", key, iv, seed % 2);
        unsigned char lengths[64];
        fill(lengths, sizeof lengths, seed + 200);
        size_t at = 0;
        for (size_t turn = 0; at < DATA_BYTES; turn++) {
            size_t part = seed % 5 == 0 ? 16 : (size_t)lengths[turn % 64] * (1 + turn % 50);
            part = part > DATA_BYTES - at ? DATA_BYTES - at : part;
            assert_int_equal(EVP_Cipher(context, got + at, plain + at, (unsigned)part), part);
            at += part;
        }
        assert_memory_equal(got, wanted, DATA_BYTES);
        EVP_CIPHER_CTX_free(context);
    }
}

static void the_way_of_update_and_final_does_too(void **state)
{
    (void)state;
    static unsigned char plain[DATA_BYTES], data[DATA_BYTES];
    unsigned char key[32], iv[16];
    int size = 0;
    fill(plain, sizeof plain, 3);
    fill(key, sizeof key, 4);
    fill(iv, sizeof iv, 5);
    expect(names[2], key, iv, plain, data);
    EVP_CIPHER_CTX *context = begin(names[2], NULL, key, iv, 0);
    assert_int_equal(EVP_DecryptUpdate(context, data, &size, data, DATA_BYTES), 1); /* in place */
    assert_int_equal(size, DATA_BYTES);
    assert_int_equal(EVP_DecryptFinal_ex(context, data, &size), 1);
    assert_int_equal(size, 0);
    assert_memory_equal(data, plain, DATA_BYTES);
    EVP_CIPHER_CTX_free(context);
}

static void a_context_is_begun_again_with_another_iv(void **state)
{
    (void)state;
    static unsigned char plain[DATA_BYTES], wanted[DATA_BYTES], got[DATA_BYTES];
    unsigned char key[32], iv[16], next[16];
    fill(plain, sizeof plain, 6);
    fill(key, sizeof key, 7);
    fill(iv, sizeof iv, 8);
    fill(next, sizeof next, 9);
    expect(names[0], key, next, plain, wanted);
    EVP_CIPHER_CTX *context = begin(names[0], NULL, key, iv, 1);
    assert_int_equal(EVP_Cipher(context, got, plain, 100), 100);
    assert_int_equal(EVP_CipherInit_ex2(context, NULL, key, NULL, 1, NULL), 0); /* where is the counter? */
    assert_int_equal(EVP_CipherInit_ex2(context, NULL, NULL, next, 1, NULL), 1);
    assert_int_equal(EVP_Cipher(context, got, plain, DATA_BYTES), DATA_BYTES);
    assert_memory_equal(got, wanted, DATA_BYTES);
    EVP_CIPHER_CTX_free(context);
}

static void nothing_else_finds_them(void **state)
{
    (void)state;
    belay_key_stream_leave(before);
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, names[0], NULL);
    assert_string_equal(provider_of(cipher), "default");
    EVP_CIPHER_free(cipher);
    belay_key_stream_enter();
    cipher = EVP_CIPHER_fetch(NULL, names[0], NULL);
    assert_string_equal(provider_of(cipher), "belay");
    EVP_CIPHER_free(cipher);
}

/* They come of AES-CTR as well, in a way of their own. */
static void random_numbers_are_still_made(void **state)
{
    (void)state;
    unsigned char a[64] = {0}, b[64] = {0};
    assert_int_equal(RAND_bytes(a, sizeof a), 1);
    assert_int_equal(RAND_bytes(b, sizeof b), 1);
    assert_memory_not_equal(a, b, sizeof a);
}

static void write_conf(const char *text, char path[static 1])
{
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static bool rule_of(const char *text)
{
    char path[] = "/tmp/belay-openssl-XXXXXX";
    write_conf(text, path);
    bool found = belay_openssl_has_rule(path);
    unlink(path);
    return found;
}

static void a_rule_of_the_machine_is_seen(void **state)
{
    (void)state;
    assert_true(rule_of("openssl_conf = a\n[a]\nalg_section = b\n[b]\ndefault_properties = fips=yes\n"));
    assert_true(rule_of("openssl_conf = a\n[a]\nalg_section = b\n[b]\nfips_mode = yes\n"));
    assert_false(rule_of(
        "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1.2\n"));
    assert_false(rule_of("openssl_conf = a\n[a]\nalg_section = b\n"));
    assert_false(rule_of("[cut"));
    assert_false(belay_openssl_has_rule("/nowhere/openssl.cnf"));
}

/* In a process of its own, as libcrypto reads the file once. */
static void providers_that_the_machine_left_out_stay_out(void **state)
{
    (void)state;
    int status = -1;
    char path[] = "/tmp/belay-openssl-XXXXXX", program[] = "/proc/self/exe", word[] = "without";
    write_conf("openssl_conf = a\n[a]\nproviders = b\n[b]\nbase = c\n[c]\nactivate = 1\n", path);
    pid_t child = fork();
    if (child == 0) {
        setenv("OPENSSL_CONF", path, 1);
        execv(program, (char *[]){program, word, NULL});
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    unlink(path);
    assert_int_equal(status, 0);
}

static int look_without(void)
{
    void *outside = belay_key_stream_enter();
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, names[0], NULL);
    bool found = cipher != NULL;
    EVP_CIPHER_free(cipher);
    belay_key_stream_leave(outside);
    return found ? 1 : 0;
}

static int enter(void **state)
{
    (void)state;
    before = belay_key_stream_enter();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "without") == 0)
        return look_without();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ciphers_are_found_by_name_and_by_function),
        cmocka_unit_test(pieces_of_any_size_give_what_libcrypto_gives),
        cmocka_unit_test(the_way_of_update_and_final_does_too),
        cmocka_unit_test(nothing_else_finds_them),
        cmocka_unit_test(random_numbers_are_still_made),
        cmocka_unit_test(a_rule_of_the_machine_is_seen),
        cmocka_unit_test(providers_that_the_machine_left_out_stay_out),
        cmocka_unit_test(a_context_is_begun_again_with_another_iv),
    };
    return cmocka_run_group_tests(tests, enter, NULL);
}
