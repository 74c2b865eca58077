/* pg_dump's text becomes entries, and text that imitates its comments does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "snapshot/dump.h"

#define FAKE                                                                                                 \
    "\n--\n-- TOC entry 99 (class 1259 OID 9)\n-- Name: evil; Type: TABLE; Schema: s; Owner: o\n--\n\n"

static const char dump[] = "\\restrict abc\nSET client_encoding = 'UTF8';\n\n"
                           "--\n-- TOC entry 5 (class 1255 OID 1)\n-- Dependencies: 3 4\n"
                           "-- Name: f(); Type: FUNCTION; Schema: public; Owner: bank\n--\n\n"
                           "CREATE FUNCTION f() RETURNS text AS $_$" FAKE "$_$;\n"
                           "CREATE FUNCTION g() RETURNS text BEGIN ATOMIC\n SELECT '" FAKE "';\nEND;\n"
                           "COMMENT ON FUNCTION f() IS '" FAKE "';\n\n"
                           "--\n-- TOC entry 6 (class 1259 OID 2)\n"
                           "-- Name: a; Type: b; Type: TABLE; Schema: -; Owner: o; Tablespace: fast\n--\n\n"
                           "CREATE TABLE a ();\n\n"
                           "--\n-- TOC entry 7 (class 0 OID 0)\n-- Dependencies: 6\n"
                           "-- Name: EXTENSION x; Type: COMMENT; Schema: -; Owner: \n--\n\n"
                           "COMMENT ON EXTENSION x IS 'y';\n\n\\unrestrict abc\n";

static const char *text_of(json_t *entries, size_t index, const char *key)
{
    return json_string_value(json_object_get(json_array_get(entries, index), key));
}

static void test_entries(void **state)
{
    (void)state;
    belay_error err = {0};
    BELAY_AUTO(belay_str_done) belay_str to = BELAY_STR_INIT;
    json_t *entries = json_array();
    assert_true(belay_dump_split(dump, sizeof dump - 1, "pre", 170000, &to, entries, &err));
    assert_int_equal(json_array_size(entries), 3);
    assert_string_equal(text_of(entries, 0, "name"), "f()");
    assert_string_equal(text_of(entries, 0, "type"), "FUNCTION");
    assert_string_equal(text_of(entries, 0, "owner"), "bank");
    assert_int_equal(json_array_size(json_object_get(json_array_get(entries, 0), "depends")), 2);
    assert_string_equal(text_of(entries, 1, "name"), "a; Type: b");
    assert_string_equal(text_of(entries, 1, "type"), "TABLE");
    assert_string_equal(text_of(entries, 1, "schema"), "");
    assert_string_equal(text_of(entries, 1, "owner"), "o");
    assert_string_equal(text_of(entries, 2, "type"), "COMMENT");
    assert_string_equal(text_of(entries, 2, "owner"), "");
    json_decref(entries);
}

static void test_places(void **state)
{
    (void)state;
    BELAY_AUTO(belay_str_done) belay_str to = BELAY_STR_INIT;
    json_t *entries = json_array();
    assert_true(belay_dump_split(dump, sizeof dump - 1, "pre", 170000, &to, entries, NULL));
    assert_null(strstr(belay_str_text(&to), "restrict"));
    json_int_t at = json_integer_value(json_object_get(json_array_get(entries, 0), "start"));
    for (size_t i = 0; i < 3; i++) { /* the entries cover the text to its end, without gaps */
        json_t *entry = json_array_get(entries, i);
        assert_int_equal(json_integer_value(json_object_get(entry, "start")), at);
        assert_memory_equal(to.data + at, "--\n-- TOC entry", 15);
        at += json_integer_value(json_object_get(entry, "length"));
    }
    assert_int_equal(at, to.length);
    json_decref(entries);
}

static void test_data_places(void **state)
{
    (void)state;
    static const char text[] = "--\n-- TOC entry 6 (class 1259 OID 2)\n"
                               "-- Name: a; Type: TABLE; Schema: -; Owner: o\n-- Data Pos: 0\n--\n\n"
                               "CREATE TABLE a ();\n-- Data Pos: 1\n";
    BELAY_AUTO(belay_str_done) belay_str to = BELAY_STR_INIT;
    json_t *entries = json_array();
    assert_true(belay_dump_split(text, sizeof text - 1, "pre", 170000, &to, entries, NULL));
    assert_string_equal(belay_str_text(&to),
        "--\n-- TOC entry 6 (class 1259 OID 2)\n-- Name: a; Type: TABLE; Schema: -; Owner: o\n--\n\n"
        "CREATE TABLE a ();\n-- Data Pos: 1\n");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(entries, 0), "length")), to.length);
    json_decref(entries);
}

/* A newer pg_dump's settings: only before the first entry, and only for a server that does not know them. */
static void test_settings(void **state)
{
    (void)state;
    static const char text[] =
        "SET lock_timeout = 0;\nSET transaction_timeout = 0;\nSET row_security = off;\n\n"
        "--\n-- TOC entry 6 (class 1259 OID 2)\n"
        "-- Name: a; Type: TABLE; Schema: -; Owner: o\n--\n\nCREATE TABLE a ();\n";
    for (int version = 160000; version <= 170000; version += 10000) {
        BELAY_AUTO(belay_str_done) belay_str to = BELAY_STR_INIT;
        json_t *entries = json_array();
        assert_true(belay_dump_split(text, sizeof text - 1, "pre", version, &to, entries, NULL));
        assert_int_equal(strstr(belay_str_text(&to), "transaction_timeout") != NULL, version == 170000);
        assert_non_null(strstr(belay_str_text(&to), "SET lock_timeout = 0;\n"));
        assert_non_null(strstr(belay_str_text(&to), "SET row_security = off;\n"));
        assert_memory_equal(
            to.data + json_integer_value(json_object_get(json_array_get(entries, 0), "start")),
            "--\n-- TOC entry", 15);
        json_decref(entries);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_entries), cmocka_unit_test(test_places),
        cmocka_unit_test(test_data_places), cmocka_unit_test(test_settings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
