/* What a restore reads in pg_dump's statements: tables, keys taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/entry_sql.h"

static belay_toc_entry entry_of(const char *type, const char *const *sql)
{
    return (belay_toc_entry){
        .type = type, .schema = "s", .name = "n", .statements = sql, .statement_count = 1};
}

static void assert_split(const char *sql, const char *index, const char *constraint)
{
    const belay_toc_entry entry = entry_of("CONSTRAINT", &sql);
    BELAY_AUTO(belay_free) char *made_index = NULL;
    BELAY_AUTO(belay_free) char *made_constraint = NULL;
    assert_true(belay_entry_split_key(&entry, &made_index, &made_constraint));
    assert_string_equal(made_index, index);
    assert_string_equal(made_constraint, constraint);
}

static void assert_whole(const char *sql)
{
    const belay_toc_entry entry = entry_of("CONSTRAINT", &sql);
    BELAY_AUTO(belay_free) char *index = NULL;
    BELAY_AUTO(belay_free) char *constraint = NULL;
    assert_false(belay_entry_split_key(&entry, &index, &constraint));
}

static void keys_are_taken_apart(void **state)
{
    (void)state;
    assert_split("ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id)",
        "CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)  ",
        "ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey ");
    assert_split(
        "ALTER TABLE ONLY \"Odd (s)\".\"t, \"\"1\"\n    ADD CONSTRAINT \"PRIMARY KEY (\" UNIQUE NULLS NOT "
        "DISTINCT (\"a(\", b) INCLUDE (c) WITH (fillfactor='70') DEFERRABLE INITIALLY DEFERRED",
        "CREATE UNIQUE INDEX \"PRIMARY KEY (\" ON \"Odd (s)\".\"t, \"\"1\" USING btree (\"a(\", b) INCLUDE "
        "(c) "
        "NULLS NOT DISTINCT WITH (fillfactor='70')",
        "ALTER TABLE ONLY \"Odd (s)\".\"t, \"\"1\" ADD CONSTRAINT \"PRIMARY KEY (\" UNIQUE USING INDEX "
        "\"PRIMARY "
        "KEY (\" DEFERRABLE INITIALLY DEFERRED");
}

static void other_constraints_stay_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT c EXCLUDE USING gist (during WITH &&)",
        "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT c PRIMARY KEY (id, during WITHOUT OVERLAPS)",
        "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT c UNIQUE USING INDEX i",
        "ALTER TABLE s.t\n    ADD CONSTRAINT c CHECK ((a > 0)) NOT VALID", "ALTER TABLE ONLY t", ""};
    for (size_t i = 0; i < BELAY_COUNT(texts); i++)
        assert_whole(texts[i]);
}

static void tables_are_found(void **state)
{
    (void)state;
    belay_relation items[] = {{.schema = (char[]){"a b"}, .name = (char[]){"T\"1"}},
        {.schema = (char[]){"s"}, .name = (char[]){"t"}}};
    const belay_relations relations = {items, 2};
    static const struct {
        const char *type, *sql;
        long table, referenced;
    } cases[] = {
        {"INDEX", "CREATE INDEX \"on s.x\" ON ONLY \"a b\".\"T\"\"1\" USING btree (c)", 0, BELAY_NO_RELATION},
        {"CONSTRAINT", "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT c PRIMARY KEY (id)", 1, BELAY_NO_RELATION},
        {"STATISTICS", "CREATE STATISTICS s.x (ndistinct) ON a, b FROM s.t", 1, BELAY_NO_RELATION},
        {"FK CONSTRAINT",
            "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT f FOREIGN KEY (\"REFERENCES\") REFERENCES \"a "
            "b\".\"T\"\"1\"(id)",
            1, 0},
        {"INDEX", "CREATE INDEX i ON s.unknown USING btree (c)", BELAY_NO_RELATION, BELAY_NO_RELATION},
        {"TRIGGER", "CREATE TRIGGER i BEFORE INSERT ON s.t", BELAY_NO_RELATION, BELAY_NO_RELATION},
    };
    for (size_t i = 0; i < BELAY_COUNT(cases); i++) {
        const belay_toc_entry entry = entry_of(cases[i].type, &cases[i].sql);
        assert_int_equal(belay_entry_table(&entry, &relations), cases[i].table);
        assert_int_equal(belay_entry_referenced(&entry, &relations), cases[i].referenced);
    }
}

static void foreign_keys_are_validated_by_name(void **state)
{
    (void)state;
    const char *sql =
        "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT \"f ADD\" FOREIGN KEY (a) REFERENCES s.u(id) NOT VALID";
    const belay_toc_entry entry = entry_of("FK CONSTRAINT", &sql);
    BELAY_AUTO(belay_free) char *validate = belay_entry_alter(&entry, NULL, "VALIDATE CONSTRAINT");
    assert_string_equal(validate, "ALTER TABLE ONLY s.t VALIDATE CONSTRAINT \"f ADD\"");
    assert_true(belay_entry_is_not_valid(&entry));
    assert_true(belay_entry_is_enforced(&entry));
}

static void foreign_keys_are_put_on_partitions(void **state)
{
    (void)state;
    const char *sql = "ALTER TABLE s.t\n    ADD CONSTRAINT \"f ADD\" FOREIGN KEY (a, \")\") REFERENCES "
                      "s.u(id, x) ON DELETE SET NULL (a) DEFERRABLE";
    const belay_toc_entry entry = entry_of("FK CONSTRAINT", &sql);
    BELAY_AUTO(belay_free) char *add = belay_entry_add_to(&entry, "\"s\".\"t 1\"");
    BELAY_AUTO(belay_free) char *drop = belay_entry_alter(&entry, "\"s\".\"t 1\"", "DROP CONSTRAINT");
    assert_string_equal(add, "ALTER TABLE ONLY \"s\".\"t 1\" ADD CONSTRAINT \"f ADD\" FOREIGN KEY (a, \")\") "
                             "REFERENCES s.u(id, x) ON DELETE SET NULL (a) DEFERRABLE");
    assert_string_equal(drop, "ALTER TABLE ONLY \"s\".\"t 1\" DROP CONSTRAINT \"f ADD\"");
    const char *strange = "ALTER TABLE t ADD f";
    const belay_toc_entry none = entry_of("FK CONSTRAINT", &strange);
    assert_null(belay_entry_add_to(&none, "x"));
    assert_null(belay_entry_alter(&none, NULL, "VALIDATE CONSTRAINT"));
}

static void like_foreign_keys_are_known(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "ALTER TABLE s.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES s.u(id)",
        "ALTER TABLE ONLY s.t_1 ADD CONSTRAINT g FOREIGN KEY (a) REFERENCES s.u(id) ON DELETE CASCADE",
        "ALTER TABLE ONLY s.t_1 ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES s.u(id) NOT ENFORCED",
    };
    belay_toc_entry entries[BELAY_COUNT(texts)];
    for (size_t i = 0; i < BELAY_COUNT(texts); i++)
        entries[i] = entry_of("FK CONSTRAINT", &texts[i]);
    assert_true(belay_entry_is_same_reference(&entries[0], &entries[1]));
    assert_false(belay_entry_is_same_reference(&entries[0], &entries[2]));
    assert_false(belay_entry_is_same_name(&entries[0], &entries[1]));
    assert_true(belay_entry_is_same_name(&entries[0], &entries[2]));
    assert_false(belay_entry_is_enforced(&entries[2]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_taken_apart),
        cmocka_unit_test(other_constraints_stay_whole),
        cmocka_unit_test(tables_are_found),
        cmocka_unit_test(foreign_keys_are_validated_by_name),
        cmocka_unit_test(foreign_keys_are_put_on_partitions),
        cmocka_unit_test(like_foreign_keys_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
