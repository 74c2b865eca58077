/* Which entries of the schema section are made side by side, and which have to wait for the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/groups.h"

/* At most two dependencies; 0: none. */
#define ENTRY(number, kind, a, b)                                                                            \
    {                                                                                                        \
        .id = (number), .type = (kind), .depends = (const long[]){(a), (b)},                                 \
        .depends_count = (a) == 0   ? 0                                                                      \
                         : (b) == 0 ? 1                                                                      \
                                    : 2                                                                      \
    }

static belay_groups groups_of(belay_toc_entry *entries, size_t count)
{
    const belay_toc toc = {.entries = entries, .count = count, .pre_count = count};
    belay_groups groups = {0};
    belay_groups_find(&toc, count, &groups);
    return groups;
}

static bool has(const belay_groups *groups, size_t number, size_t *ret_group)
{
    for (size_t i = 0; i < groups->count; i++) {
        if (groups->entries[i] == number) {
            *ret_group = groups->group[i];
            return true;
        }
    }
    return false;
}

static void assert_together(const belay_groups *groups, size_t a, size_t b, bool expected)
{
    size_t left = 0, right = 0;
    assert_true(has(groups, a, &left));
    assert_true(has(groups, b, &right));
    assert_int_equal(left == right, expected);
}

static void what_belongs_to_a_table_stays_with_it(void **state)
{
    (void)state;
    belay_toc_entry entries[] = {
        ENTRY(10, "TYPE", 0, 0),
        ENTRY(20, "TABLE", 10, 0),
        ENTRY(21, "COMMENT", 20, 0),
        ENTRY(22, "SEQUENCE", 0, 0),
        ENTRY(23, "SEQUENCE OWNED BY", 20, 22),
        ENTRY(30, "TABLE", 10, 0),
        ENTRY(24, "DEFAULT", 20, 22),
    };
    BELAY_AUTO(belay_groups_done) belay_groups groups = groups_of(entries, BELAY_COUNT(entries));
    assert_int_equal(groups.first, 1);
    assert_int_equal(groups.count, 6);
    for (size_t i = 2; i < BELAY_COUNT(entries); i++)
        assert_together(&groups, 1, i, i != 5);
    for (size_t i = 1; i < groups.count; i++)
        assert_true(groups.group[i] != groups.group[i - 1] || groups.entries[i] > groups.entries[i - 1]);
}

static void a_family_of_tables_is_one_group(void **state)
{
    (void)state;
    belay_toc_entry entries[] = {
        ENTRY(1, "TABLE", 0, 0),
        ENTRY(2, "TABLE", 0, 0),
        ENTRY(3, "TABLE ATTACH", 1, 2),
        ENTRY(4, "TABLE", 2, 0),
        ENTRY(5, "TABLE", 0, 0),
    };
    BELAY_AUTO(belay_groups_done) belay_groups groups = groups_of(entries, BELAY_COUNT(entries));
    assert_together(&groups, 0, 1, true);
    assert_together(&groups, 0, 2, true);
    assert_together(&groups, 0, 3, true);
    assert_together(&groups, 0, 4, false);
}

static void what_needs_something_else_waits(void **state)
{
    (void)state;
    belay_toc_entry entries[] = {
        ENTRY(1, "TABLE", 0, 0),
        ENTRY(2, "VIEW", 1, 0),
        ENTRY(3, "TABLE", 2, 0),
        ENTRY(4, "COMMENT", 2, 0),
        ENTRY(5, "COMMENT", 0, 0),
        ENTRY(6, "TABLE", 3, 0),
        ENTRY(7, "TABLE", 99, 0),
    };
    BELAY_AUTO(belay_groups_done) belay_groups groups = groups_of(entries, BELAY_COUNT(entries));
    size_t group;
    assert_int_equal(groups.count, 2);
    assert_true(has(&groups, 0, &group));
    assert_true(has(&groups, 6, &group));
}

static void groups_are_cut_between(void **state)
{
    (void)state;
    belay_toc_entry entries[] = {
        ENTRY(1, "TABLE", 0, 0),
        ENTRY(2, "COMMENT", 1, 0),
        ENTRY(3, "TABLE", 0, 0),
        ENTRY(4, "COMMENT", 3, 0),
        ENTRY(5, "COMMENT", 3, 0),
        ENTRY(6, "TABLE", 0, 0),
    };
    BELAY_AUTO(belay_groups_done) belay_groups groups = groups_of(entries, BELAY_COUNT(entries));
    assert_int_equal(belay_groups_cut(&groups, 0, 2), 2);
    assert_int_equal(belay_groups_cut(&groups, 0, 4), 2);
    assert_int_equal(belay_groups_cut(&groups, 0, 5), 5);
    assert_int_equal(belay_groups_cut(&groups, 2, 1), 3);
    assert_int_equal(belay_groups_cut(&groups, 5, 100), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_belongs_to_a_table_stays_with_it),
        cmocka_unit_test(a_family_of_tables_is_one_group),
        cmocka_unit_test(what_needs_something_else_waits),
        cmocka_unit_test(groups_are_cut_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
