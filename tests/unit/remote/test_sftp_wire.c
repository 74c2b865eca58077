/* Numbers, strings and attributes of SFTP's packets: what is cut is not taken, whatever lengths it claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "remote/sftp_wire.h"

static belay_wire wire_of(const belay_str *s)
{
    return (belay_wire){belay_str_text(s), s->length};
}

static void what_is_put_is_taken(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str s = BELAY_STR_INIT;
    belay_wire_put_u32(&s, 0xfedcba98);
    belay_wire_put_u64(&s, 0x0123456789abcdefULL);
    belay_wire_put_span(&s, belay_span_of("name"));
    belay_wire_put_mode(&s, 0600);
    assert_memory_equal(
        s.data, "\xfe\xdc\xba\x98\x01\x23\x45\x67\x89\xab\xcd\xef\0\0\0\4name\0\0\0\4\0\0\1\x80", 28);
    belay_wire wire = wire_of(&s);
    uint32_t small;
    uint64_t large;
    belay_span name;
    belay_sftp_attributes it;
    assert_true(belay_wire_take_u32(&wire, &small) && belay_wire_take_u64(&wire, &large) &&
                belay_wire_take_span(&wire, &name) && belay_wire_take_attributes(&wire, &it));
    assert_int_equal(small, 0xfedcba98);
    assert_true(large == 0x0123456789abcdefULL);
    assert_true(belay_span_equals(name, "name"));
    assert_true(it.has_mode && !it.has_size && !it.has_time);
    assert_int_equal(it.mode, 0600);
    assert_int_equal(wire.length, 0);
    assert_false(belay_wire_take_u32(&wire, &small));
}

static void attributes_with_everything(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str s = BELAY_STR_INIT;
    belay_wire_put_u32(&s, 0x8000000f);
    belay_wire_put_u64(&s, 5000000000ULL);
    belay_wire_put_u32(&s, 1000);
    belay_wire_put_u32(&s, 1000);
    belay_wire_put_u32(&s, 0100644);
    belay_wire_put_u32(&s, 1);
    belay_wire_put_u32(&s, 4000000000U);
    belay_wire_put_u32(&s, 1);
    belay_wire_put_span(&s, belay_span_of("acl@example"));
    belay_wire_put_span(&s, belay_span_of("value"));
    for (size_t cut = 0; cut <= s.length; cut++) {
        belay_wire wire = {s.data, cut};
        belay_sftp_attributes it;
        bool taken = belay_wire_take_attributes(&wire, &it);
        assert_int_equal(taken, cut == s.length);
        assert_int_equal(wire.length, taken ? 0 : cut); /* nothing is taken of what is cut */
        if (!taken)
            continue;
        assert_true(it.size_bytes == 5000000000ULL);
        assert_true(S_ISREG(it.mode));
        assert_int_equal(it.modified_utc, 4000000000LL);
    }
}

static void lengths_that_lie(void **state)
{
    (void)state;
    belay_span span;
    belay_wire wire = {"\xff\xff\xff\xffxyz", 7};
    assert_false(belay_wire_take_span(&wire, &span));
    wire = (belay_wire){"\0\0\0\4xyz", 7};
    assert_false(belay_wire_take_span(&wire, &span));
    wire = (belay_wire){"\0\0\0\3xyz", 7};
    assert_true(belay_wire_take_span(&wire, &span));
}

static void names_are_taken_one_by_one(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str s = BELAY_STR_INIT;
    static const char *const names[] = {"a", "b.tar"};
    for (size_t i = 0; i < 2; i++) {
        belay_wire_put_span(&s, belay_span_of(names[i]));
        belay_wire_put_span(&s, belay_span_of("-rw------- ..."));
        belay_wire_put_mode(&s, 0100600);
    }
    belay_span body = {s.data, s.length}, name;
    belay_sftp_attributes it;
    for (size_t i = 0; i < 2; i++) {
        assert_true(belay_sftp_take_name(&body, &name, &it));
        assert_true(belay_span_equals(name, names[i]));
    }
    assert_false(belay_sftp_take_name(&body, &name, &it));
    body = (belay_span){s.data, s.length - 1};
    assert_true(belay_sftp_take_name(&body, &name, &it));
    assert_false(belay_sftp_take_name(&body, &name, &it));
}

static void free_space_is_that_of_users(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str s = BELAY_STR_INIT;
    static const uint64_t numbers[] = {4096, 1024, 100, 60, 50};
    for (size_t i = 0; i < BELAY_COUNT(numbers); i++)
        belay_wire_put_u64(&s, numbers[i]);
    uint64_t bytes = 0;
    assert_true(belay_sftp_free_bytes((belay_span){s.data, s.length}, &bytes));
    assert_int_equal(bytes, 50 * 1024);
    assert_false(belay_sftp_free_bytes((belay_span){s.data, s.length - 1}, &bytes));
    belay_str_clear(&s);
    for (size_t i = 0; i < BELAY_COUNT(numbers); i++)
        belay_wire_put_u64(&s, UINT64_MAX);
    assert_true(belay_sftp_free_bytes((belay_span){s.data, s.length}, &bytes));
    assert_true(bytes == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_taken),
        cmocka_unit_test(attributes_with_everything),
        cmocka_unit_test(lengths_that_lie),
        cmocka_unit_test(names_are_taken_one_by_one),
        cmocka_unit_test(free_space_is_that_of_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
