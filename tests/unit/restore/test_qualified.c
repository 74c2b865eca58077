/* Relations of a dump's statements get another schema, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/qualified.h"
#include "util/mem.h"

static void assert_moved(const char *sql, const char *expected)
{
    BELAY_AUTO(belay_list_done) belay_list keys = {0};
    belay_list_add(&keys, "\"public\".\"orders\"");
    belay_list_add(&keys, "\"public\".\"Odd.\"\"one\"");
    belay_list_add(&keys, "\"public\".\"back\\slash\"");
    BELAY_AUTO(belay_free) char *moved = belay_qualified_move(sql, &keys, &keys, "si\"de");
    assert_string_equal(moved, expected);
}

static void relations_are_moved(void **state)
{
    (void)state;
    assert_moved(
        "CREATE TABLE public.orders (a public.mood)", "CREATE TABLE \"si\"\"de\".orders (a public.mood)");
    assert_moved("CREATE INDEX i ON ONLY public.\"Odd.\"\"one\" USING btree (a)",
        "CREATE INDEX i ON ONLY \"si\"\"de\".\"Odd.\"\"one\" USING btree (a)");
    assert_moved("ALTER SEQUENCE other.orders OWNED BY public.orders.id",
        "ALTER SEQUENCE other.orders OWNED BY \"si\"\"de\".orders.id");
    assert_moved(
        "FOREIGN KEY (a) REFERENCES public.orders(id)", "FOREIGN KEY (a) REFERENCES \"si\"\"de\".orders(id)");
}

static void texts_and_functions_stay(void **state)
{
    (void)state;
    assert_moved("COMMENT ON TABLE x.y IS 'public.orders'", "COMMENT ON TABLE x.y IS 'public.orders'");
    assert_moved("CHECK (public.orders(1) > 0)", "CHECK (public.orders(1) > 0)");
    assert_moved("a.public.orders", "a.public.orders");
    assert_moved("ALTER TABLE ONLY public.orders ALTER COLUMN a SET DEFAULT public.orders()",
        "ALTER TABLE ONLY \"si\"\"de\".orders ALTER COLUMN a SET DEFAULT public.orders()");
    assert_moved("a text COLLATE public.orders", "a text COLLATE public.orders");
}

static void literals_of_regclass_are_moved(void **state)
{
    (void)state;
    assert_moved("SET DEFAULT nextval('public.orders'::regclass)",
        "SET DEFAULT nextval('\"si\"\"de\".orders'::regclass)");
    assert_moved("SET DEFAULT 'public.\"Odd.\"\"one\"'::regclass",
        "SET DEFAULT '\"si\"\"de\".\"Odd.\"\"one\"'::regclass");
    assert_moved("SET DEFAULT E'public.\"back\\\\slash\"'::regclass",
        "SET DEFAULT  E'\"si\"\"de\".\"back\\\\slash\"'::regclass");
    assert_moved("SET DEFAULT 'public.orders'::text", "SET DEFAULT 'public.orders'::text");
    assert_moved(
        "SET DEFAULT nextval('public.other'::regclass)", "SET DEFAULT nextval('public.other'::regclass)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(relations_are_moved),
        cmocka_unit_test(texts_and_functions_stay), cmocka_unit_test(literals_of_regclass_are_moved)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
