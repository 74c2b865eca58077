/* Any text as an identifier, on a small graph with branches, a merge, labels and a dependency: resolving,
 * planning and stamping end with a result or a message. */
#include <stdio.h>
#include <unistd.h>

#include "revision/revision.h"
#include "util/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const files[] = {"-- Revision ID: aaaa1\n-- Branch Labels: main\n-- belay: upgrade\n",
    "-- Revision ID: bbbb1\n-- Revises: aaaa1\n-- belay: upgrade\n",
    "-- Revision ID: cccc1\n-- Revises: aaaa1\n-- Branch Labels: side\n-- belay: upgrade\n",
    "-- Revision ID: dddd1\n-- Revises: bbbb1 cccc1\n-- belay: upgrade\n",
    "-- Revision ID: eeee1\n-- Depends On: bbbb1\n-- Branch Labels: other\n-- belay: upgrade\n"};

static belay_graph *make_graph(void)
{
    char folder[] = "/tmp/belay_fuzz.XXXXXX";
    belay_graph *graph = NULL;
    if (mkdtemp(folder) == NULL)
        abort();
    for (size_t i = 0; i < BELAY_COUNT(files); i++) {
        BELAY_AUTO(belay_free) char *path = belay_format("%s/%zu.sql", folder, i);
        if (!belay_write_file_durably(path, files[i], strlen(files[i]), 0600, NULL))
            abort();
    }
    if (!belay_graph_load(folder, &graph, NULL))
        abort();
    belay_remove_tree(folder, NULL);
    return graph;
}

static void try_all(const belay_graph *graph, const char *text, const belay_list *rows)
{
    belay_error errors[4] = {{0}};
    BELAY_AUTO(belay_list_done) belay_list found = {0};
    BELAY_AUTO(belay_list_done) belay_list targets = {0};
    BELAY_AUTO(belay_plan_done) belay_plan up = {0};
    BELAY_AUTO(belay_plan_done) belay_plan down = {0};
    BELAY_AUTO(belay_plan_done) belay_plan stamp = {0};
    belay_list_add(&targets, text);
    bool ok[] = {belay_graph_resolve(graph, text, rows, &found, &errors[0]),
        belay_graph_plan_upgrade(graph, rows, text, &up, &errors[1]),
        belay_graph_plan_downgrade(graph, rows, text, &down, &errors[2]),
        belay_graph_plan_stamp(graph, rows, &targets, false, &stamp, &errors[3])};
    for (size_t i = 0; i < BELAY_COUNT(ok); i++) {
        if (!ok[i] && errors[i].message[0] == '\0')
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BELAY_AUTO(belay_graph_free) belay_graph *graph = make_graph();
    BELAY_AUTO(belay_free) char *text = belay_strndup((const char *)data, size);
    text[strcspn(text, "\n")] = '\0';
    BELAY_AUTO(belay_list_done) belay_list rows = {0};
    try_all(graph, text, &rows);
    belay_list_add(&rows, "dddd1");
    try_all(graph, text, &rows);
    belay_list_add(&rows, "eeee1");
    try_all(graph, text, &rows);
    return 0;
}
