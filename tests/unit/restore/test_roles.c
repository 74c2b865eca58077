/* role_map is applied to names of roles, and to nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/roles.h"
#include "restore/sql_token.h"

static void assert_mapped(const char *sql, const char *expected)
{
    BELAY_AUTO(belay_list_done) belay_list map = {0};
    belay_list_add(&map, "app=shop");
    belay_list_add(&map, "Odd \"one\"=plain");
    BELAY_AUTO(belay_free) char *mapped = belay_roles_map(sql, &map);
    assert_string_equal(mapped, expected);
}

static void owners_are_mapped(void **state)
{
    (void)state;
    assert_mapped("ALTER TABLE public.app OWNER TO app", "ALTER TABLE public.app OWNER TO \"shop\"");
    assert_mapped("ALTER TABLE public.app OWNER TO APP", "ALTER TABLE public.app OWNER TO \"shop\"");
    assert_mapped("ALTER TABLE t OWNER TO \"App\"", "ALTER TABLE t OWNER TO \"App\"");
    assert_mapped("ALTER TABLE t OWNER TO application", "ALTER TABLE t OWNER TO application");
    assert_mapped("ALTER FUNCTION f(a text) OWNER TO \"Odd \"\"one\"\"\"",
        "ALTER FUNCTION f(a text) OWNER TO \"plain\"");
}

static void grants_are_mapped(void **state)
{
    (void)state;
    assert_mapped("GRANT SELECT(app),UPDATE(app) ON TABLE public.app TO app,other",
        "GRANT SELECT(app),UPDATE(app) ON TABLE public.app TO \"shop\",other");
    assert_mapped("GRANT ALL ON TABLE app.app TO other, GROUP app WITH GRANT OPTION",
        "GRANT ALL ON TABLE app.app TO other, GROUP \"shop\" WITH GRANT OPTION");
    assert_mapped("REVOKE ALL ON FUNCTION app.f(app integer) FROM PUBLIC",
        "REVOKE ALL ON FUNCTION app.f(app integer) FROM PUBLIC");
    assert_mapped("ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA app GRANT SELECT ON TABLES TO app",
        "ALTER DEFAULT PRIVILEGES FOR ROLE \"shop\" IN SCHEMA app GRANT SELECT ON TABLES TO \"shop\"");
    assert_mapped("SET SESSION AUTHORIZATION app", "SET SESSION AUTHORIZATION \"shop\"");
    assert_mapped("SET SESSION AUTHORIZATION 'app'", "SET SESSION AUTHORIZATION 'shop'");
}

static void policies_and_user_mappings_are_mapped(void **state)
{
    (void)state;
    assert_mapped("CREATE POLICY app ON public.app FOR SELECT TO app, PUBLIC USING ((owner = 'app'::text))",
        "CREATE POLICY app ON public.app FOR SELECT TO \"shop\", PUBLIC USING ((owner = 'app'::text))");
    assert_mapped("CREATE USER MAPPING FOR app SERVER app OPTIONS (user 'app')",
        "CREATE USER MAPPING FOR \"shop\" SERVER app OPTIONS (user 'app')");
}

static void other_text_stays(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "COMMENT ON TABLE app IS 'ALTER TABLE x OWNER TO app'",
        "CREATE FUNCTION app() RETURNS text LANGUAGE sql AS $$ GRANT ALL ON x TO app $$",
        "CREATE POLICY p ON t USING ((x <> 'TO app'::text))",
        "ALTER TABLE t ADD CONSTRAINT c CHECK ((x = 'OWNER TO app'::text))",
    };
    for (size_t i = 0; i < BELAY_COUNT(texts); i++)
        assert_mapped(texts[i], texts[i]);
}

static void roles_are_collected_once(void **state)
{
    (void)state;
    BELAY_AUTO(belay_list_done) belay_list roles = {0};
    belay_roles_collect("GRANT ALL ON TABLE t TO app, \"Odd\", PUBLIC GRANTED BY boss", &roles);
    belay_roles_collect("ALTER TABLE t OWNER TO app", &roles);
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&roles, "|");
    assert_string_equal(joined, "app|Odd|boss");
}

static void tokens_know_quotes_and_comments(void **state)
{
    (void)state;
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    belay_tokens_read(
        "a /* x /* y */ z */ \"b\"\"c\" E'd\\'e' $q$ f; $q$ -- g\n 'h''i' (j) 1.5e3", 0, &tokens);
    const char *const expected[] = {
        "a", "\"b\"\"c\"", "E'd\\'e'", "$q$ f; $q$", "'h''i'", "(", "j", ")", "1.5e3"};
    assert_int_equal(tokens.count, BELAY_COUNT(expected));
    for (size_t i = 0; i < tokens.count; i++) {
        assert_int_equal(tokens.items[i].length, strlen(expected[i]));
        assert_memory_equal(tokens.items[i].text, expected[i], tokens.items[i].length);
    }
    assert_int_equal(tokens.items[6].depth, 1);
}

static void unfinished_text_ends_quietly(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "'", "\"", "$a$", "/*", "E'\\", "--", "$", "GRANT x TO", "ALTER x OWNER TO"};
    for (size_t i = 0; i < BELAY_COUNT(texts); i++)
        assert_mapped(texts[i], texts[i]);
}

static void state_is_mapped(void **state)
{
    (void)state;
    json_error_t fault;
    json_t *before =
        json_loads("{\"owner\": \"app\", \"comment\": \"app\", \"acl\": [{\"grantee\": null}, "
                   "{\"grantee\": \"app\", \"privilege\": \"CREATE\"}, {\"grantee\": \"other\"}], "
                   "\"settings\": [{\"role\": \"Odd \\\"one\\\"\", \"values\": [\"role=app\"]}]}",
            0, &fault);
    assert_non_null(before);
    BELAY_AUTO(belay_list_done) belay_list map = {0};
    BELAY_AUTO(belay_list_done) belay_list named = {0};
    belay_list_add(&map, "app=shop");
    belay_list_add(&map, "Odd \"one\"=plain");
    belay_roles_collect_state(before, &named);
    assert_int_equal(named.count, 3);
    assert_string_equal(named.items[0], "app");
    assert_string_equal(named.items[1], "other");
    assert_string_equal(named.items[2], "Odd \"one\"");
    json_t *after = belay_roles_map_state(before, &map);
    BELAY_AUTO(belay_free) char *text = json_dumps(after, JSON_COMPACT);
    assert_string_equal(text, "{\"owner\":\"shop\",\"comment\":\"app\",\"acl\":[{\"grantee\":null},"
                              "{\"grantee\":\"shop\",\"privilege\":\"CREATE\"},{\"grantee\":\"other\"}],"
                              "\"settings\":[{\"role\":\"plain\",\"values\":[\"role=app\"]}]}");
    assert_string_equal(json_string_value(json_object_get(before, "owner")), "app");
    json_decref(after);
    json_decref(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owners_are_mapped),
        cmocka_unit_test(grants_are_mapped),
        cmocka_unit_test(policies_and_user_mappings_are_mapped),
        cmocka_unit_test(other_text_stays),
        cmocka_unit_test(roles_are_collected_once),
        cmocka_unit_test(tokens_know_quotes_and_comments),
        cmocka_unit_test(state_is_mapped),
        cmocka_unit_test(unfinished_text_ends_quietly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
