/* Answers questions about a folder of migrations, one a line on stdin, for the tests that compare belay with
 * Alembic:
 *
 *     load FOLDER | heads | bases | history | resolve ROWS ID | range ROWS A:B | labels | upgrade ROWS ID |
 * downgrade ROWS ID | stamp ROWS ID,..
 *
 * ROWS: ids joined by commas, or "-". Answers: "ok ..." or "error CODE: message"; steps as "id>row,row".
 */
#include <stdio.h>
#include <time.h>

#include "revision/revision.h"

static belay_graph *graph;

static void rows_of(const char *text, belay_list *ret)
{
    if (!belay_equal(text, "-"))
        belay_list_split(ret, text, ",");
}

static void print_error(const belay_error *err)
{
    printf("error %s: %s\n", belay_code_name(err->code), err->message);
}

static void print_list(const belay_list *list)
{
    printf("ok");
    for (size_t i = 0; i < list->count; i++)
        printf(" %s", list->items[i]);
    printf("\n");
}

/* Rows after each step, so that the order of events shows. */
static void print_plan(const belay_plan *plan, const belay_list *before)
{
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    for (size_t i = 0; i < before->count; i++)
        belay_list_add(&rows, before->items[i]);
    printf("ok");
    for (size_t i = 0; i < plan->step_count; i++) {
        const belay_step *step = &plan->steps[i];
        belay_list after = {0};
        for (size_t j = 0; j < rows.count; j++) {
            bool removed = false;
            for (size_t k = 0; k < step->remove_count; k++)
                removed = removed || belay_equal(step->remove[k], rows.items[j]);
            if (!removed)
                belay_list_add(&after, rows.items[j]);
        }
        for (size_t j = 0; j < step->add_count; j++)
            belay_list_add(&after, step->add[j]);
        belay_list_done(&rows);
        rows = after;
        belay_list_sort(&rows);
        BELAY_AUTO(belay_free) char *text = belay_list_join(&rows, ",");
        printf(" %s>%s", step->revision->id, text);
    }
    printf(" =");
    for (size_t i = 0; i < plan->to_count; i++)
        printf("%s%s", i == 0 ? "" : ",", plan->to[i]);
    printf("\n");
}

static void plan(const char *verb, const char *rows_text, const char *target)
{
    belay_error err = {0};
    BELAY_AUTO(belay_plan_done) belay_plan result = {0};
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    BELAY_AUTO(belay_list_done) belay_list targets = {0};
    rows_of(rows_text, &rows);
    belay_list_split(&targets, target, ",");
    bool ok = belay_equal(verb, "upgrade") ? belay_graph_plan_upgrade(graph, &rows, target, &result, &err)
              : belay_equal(verb, "downgrade")
                  ? belay_graph_plan_downgrade(graph, &rows, target, &result, &err)
                  : belay_graph_plan_stamp(graph, &rows, &targets, false, &result, &err);
    if (ok)
        print_plan(&result, &rows);
    else
        print_error(&err);
}

static void resolve(const char *rows_text, const char *identifier)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    BELAY_AUTO(belay_list_done) belay_list found = {0};
    rows_of(rows_text, &rows);
    if (belay_graph_resolve(graph, identifier, &rows, &found, &err))
        print_list(&found);
    else
        print_error(&err);
}

static void print_history(bool bases)
{
    printf("ok");
    for (size_t i = 0; i < belay_graph_count(graph); i++) {
        const belay_revision *revision = belay_graph_history(graph)[i];
        if (!bases || revision->is_base)
            printf(" %s", revision->id);
    }
    printf("\n");
}

static void print_labels(void)
{
    printf("ok");
    for (size_t i = 0; i < belay_graph_count(graph); i++) {
        const belay_revision *revision = belay_graph_history(graph)[i];
        BELAY_AUTO(belay_list_done) belay_list labels = {0};
        for (size_t j = 0; j < revision->branch_label_count; j++)
            belay_list_add(&labels, revision->branch_labels[j]);
        belay_list_sort(&labels);
        BELAY_AUTO(belay_free) char *text = belay_list_join(&labels, ",");
        printf(" %s=%s", revision->id, text);
    }
    printf("\n");
}

static void load(const char *folder)
{
    belay_error err = {0};
    belay_graph_free(graph);
    graph = NULL;
    if (belay_graph_load(folder, &graph, &err))
        printf("ok %zu\n", belay_graph_count(graph));
    else
        print_error(&err);
}

static void range(const char *rows_text, const char *text)
{
    belay_error err = {0};
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    BELAY_AUTO(belay_revisions_done) belay_revisions found = {0};
    const char *colon = strchr(text, ':');
    BELAY_AUTO(belay_free)
    char *lower = belay_strndup(text, colon == NULL ? 0 : (size_t)(colon - text));
    rows_of(rows_text, &rows);
    if (!belay_graph_range(graph, lower, colon == NULL ? "" : colon + 1, &rows, &found, &err)) {
        print_error(&err);
        return;
    }
    printf("ok");
    for (size_t i = 0; i < found.count; i++)
        printf(" %s", found.items[i]->id);
    printf("\n");
}

static void answer(const belay_list *words)
{
    const char *verb = words->items[0];
    BELAY_AUTO(belay_list_done) belay_list list = {0};
    if (belay_equal(verb, "load") && words->count == 2)
        load(words->items[1]);
    else if (graph == NULL)
        puts("error no graph");
    else if (belay_equal(verb, "heads"))
        belay_graph_heads(graph, &list), print_list(&list);
    else if (belay_equal(verb, "history") || belay_equal(verb, "bases"))
        print_history(belay_equal(verb, "bases"));
    else if (belay_equal(verb, "labels"))
        print_labels();
    else if (belay_equal(verb, "resolve") && words->count == 3)
        resolve(words->items[1], words->items[2]);
    else if (belay_equal(verb, "range") && words->count == 3)
        range(words->items[1], words->items[2]);
    else if (words->count == 3)
        plan(verb, words->items[1], words->items[2]);
    else
        puts("error what?");
}

/* Milliseconds of the fastest of `times` loads, each with the plan from nothing to heads. */
static int bench(const char *folder, long long times)
{
    int64_t best_us = INT64_MAX;
    size_t steps = 0;
    for (long long i = 0; i < times; i++) {
        belay_error err = {0};
        BELAY_AUTO(belay_graph_free) belay_graph *loaded = NULL;
        BELAY_AUTO(belay_plan_done) belay_plan result = {0};
        belay_list none = {0};
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        if (!belay_graph_load(folder, &loaded, &err) ||
            !belay_graph_plan_upgrade(loaded, &none, "heads", &result, &err)) {
            print_error(&err);
            return 1;
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        int64_t took_us = (end.tv_sec - begin.tv_sec) * 1000000 + (end.tv_nsec - begin.tv_nsec) / 1000;
        best_us = took_us < best_us ? took_us : best_us;
        steps = result.step_count;
    }
    printf("graph: %zu files loaded and planned in %.1f ms\n", steps, (double)best_us / 1000);
    return 0;
}

int main(int argc, char **argv)
{
    long long times = 0;
    if (argc == 4 && belay_equal(argv[1], "bench") && belay_parse_int64(argv[3], &times))
        return bench(argv[2], times);
    char line[4096];
    while (fgets(line, sizeof line, stdin) != NULL) {
        BELAY_AUTO(belay_list_done) belay_list words = {0};
        belay_list_split(&words, line, " \n");
        if (words.count > 0)
            answer(&words);
        fflush(stdout);
    }
    belay_graph_free(graph);
    return 0;
}
