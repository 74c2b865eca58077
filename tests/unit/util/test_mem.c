/* Memory: arenas, ownership, secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"

static void arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    BELAY_AUTO(belay_arena_free) belay_arena *arena = belay_arena_new();
    unsigned char *blocks[2000];
    for (size_t i = 0; i < BELAY_COUNT(blocks); i++) {
        size_t size = (i * 37) % 300;
        blocks[i] = belay_arena_alloc(arena, size);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        for (size_t b = 0; b < size; b++)
            assert_int_equal(blocks[i][b], 0);
        memset(blocks[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < BELAY_COUNT(blocks); i++)
        for (size_t b = 0; b < (i * 37) % 300; b++)
            assert_int_equal(blocks[i][b], i % 251);
}

static void arena_takes_what_exceeds_a_block(void **state)
{
    (void)state;
    BELAY_AUTO(belay_arena_free) belay_arena *arena = belay_arena_new();
    char *small = belay_arena_strdup(arena, "small");
    unsigned char *large = belay_arena_alloc(arena, 1024 * 1024);
    memset(large, 1, 1024 * 1024);
    char *after = belay_arena_format(arena, "%s-%d", small, 7);
    assert_string_equal(small, "small");
    assert_string_equal(after, "small-7");
    assert_string_equal(belay_arena_strndup(arena, "abcdef", 3), "abc");
    belay_arena_free(NULL);
}

static void take_leaves_null(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) char *mine = belay_strdup("x");
    char *taken = belay_take(mine);
    assert_null(mine);
    assert_string_equal(taken, "x");
    free(taken);
}

static void empty_sizes_are_fine(void **state)
{
    (void)state;
    BELAY_AUTO(belay_free) void *none = belay_alloc(0);
    assert_non_null(none);
    BELAY_AUTO(belay_free) char *text = belay_strndup("abc", 0);
    assert_string_equal(text, "");
    belay_free_secret(NULL);
    belay_free_secret(belay_strdup("secret"));
    BELAY_AUTO(belay_free) char *formatted = belay_format("%s", "");
    assert_string_equal(formatted, "");
}

static void try_alloc_reports(void **state)
{
    (void)state;
    belay_error err;
    BELAY_AUTO(belay_free) void *some = belay_try_alloc(10, &err);
    assert_non_null(some);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    volatile size_t huge = SIZE_MAX / 2;
    assert_null(belay_try_alloc(huge, &err));
    assert_int_equal(err.code, BELAY_E_NO_MEMORY);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(arena_takes_what_exceeds_a_block),
        cmocka_unit_test(take_leaves_null),
        cmocka_unit_test(empty_sizes_are_fine),
        cmocka_unit_test(try_alloc_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
