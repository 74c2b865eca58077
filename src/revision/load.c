/* The folder of migrations: reads every *.sql, in the order of their names, and links them. Two threads share
 * the reading of many, since most of it is waiting for system calls; each has its half, arena and error. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "revision/graph.h"
#include "util/crew.h"
#include "util/file.h"

enum { SHARED_FROM_COUNT = 400 };

/* Symbolic links count as what they point to; folders and sockets are no migrations. */
static bool is_migration(int folder_fd, const struct dirent *entry)
{
    if (entry->d_name[0] == '.' || !belay_ends_with(entry->d_name, ".sql"))
        return false;
    if (entry->d_type == DT_REG)
        return true;
    struct stat status;
    return fstatat(folder_fd, entry->d_name, &status, 0) != 0 || S_ISREG(status.st_mode);
}

static bool list_files(DIR *folder, const char *path, belay_list *ret, belay_error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL)
            break;
        if (is_migration(dirfd(folder), entry))
            belay_list_add(ret, entry->d_name);
    }
    if (errno != 0)
        return belay_fail_errno(err, errno, "cannot read the folder %s", path);
    belay_list_sort(ret);
    return true;
}

typedef struct half {
    graph_node *nodes; /* of all files */
    int folder_fd;
    const char *path;
    const belay_list *names;
    size_t first, end;
    belay_arena *arena;
} half;

static bool read_half(void *context, void *own, size_t number, belay_error *err)
{
    (void)own;
    const half *h = (const half *)context + number;
    for (size_t i = h->first; i < h->end; i++) {
        const char *name = h->names->items[i];
        const char *file = belay_arena_format(h->arena, "%s/%s", h->path, name);
        h->nodes[i].index = i;
        if (!graph_read_file(h->arena, h->folder_fd, name, file, &h->nodes[i], err))
            return false;
    }
    return true;
}

/* The first error by name, as one thread would find it. */
static bool read_files(
    belay_graph *graph, int folder_fd, const char *path, const belay_list *names, belay_error *err)
{
    graph->nodes = belay_arena_alloc(graph->arena, (names->count + 1) * sizeof *graph->nodes);
    graph->count = names->count;
    bool shared = names->count >= SHARED_FROM_COUNT;
    half halves[2];
    halves[0] = (half){.nodes = graph->nodes,
        .folder_fd = folder_fd,
        .path = path,
        .names = names,
        .end = shared ? names->count / 2 : names->count,
        .arena = graph->arena};
    halves[1] = halves[0];
    halves[1].first = halves[0].end;
    halves[1].end = names->count;
    halves[1].arena = graph->second_arena = belay_arena_new();
    const belay_crew_task task = {.work = read_half, .context = halves};
    return belay_crew_run(&task, shared ? 2 : 1, 2, err);
}

bool belay_graph_load(const char *folder, belay_graph **ret, belay_error *err)
{
    BELAY_AUTO(belay_free) char *path = realpath(folder, NULL);
    DIR *stream = path == NULL ? NULL : opendir(path);
    if (stream == NULL) {
        int reason = errno;
        belay_fail_errno(err, reason, "cannot open the migrations folder %s", folder);
        if (err == NULL || (reason != ENOENT && reason != ENOTDIR))
            return false;
        err->code = BELAY_E_CONFIG;
        return belay_error_hint(err, "create the folder, or correct `migrations` in [belay]");
    }
    BELAY_AUTO(belay_graph_free) belay_graph *graph = belay_alloc(sizeof *graph);
    graph->arena = belay_arena_new();
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    bool ok = list_files(stream, path, &names, err) && read_files(graph, dirfd(stream), path, &names, err) &&
              graph_link(graph, err);
    closedir(stream);
    if (ok)
        *ret = belay_take(graph);
    return ok;
}

void belay_graph_free(belay_graph *graph)
{
    if (graph == NULL)
        return;
    belay_arena_free(graph->arena);
    belay_arena_free(graph->second_arena);
    belay_free(graph);
}

size_t belay_graph_count(const belay_graph *graph)
{
    return graph->count;
}

const belay_revision *const *belay_graph_history(const belay_graph *graph)
{
    return graph->history;
}

const belay_revision *belay_graph_find(const belay_graph *graph, const char *id)
{
    const graph_node *node = graph_lookup(graph, id);
    return node != NULL && belay_equal(node->pub.id, id) ? &node->pub : NULL;
}

void belay_graph_heads(const belay_graph *graph, belay_list *ret_ids)
{
    for (size_t i = 0; i < graph->head_count; i++)
        belay_list_add(ret_ids, graph->heads[i]->id);
}

void belay_graph_real_heads(const belay_graph *graph, belay_list *ret_ids)
{
    for (size_t i = 0; i < graph->real_head_count; i++)
        belay_list_add(ret_ids, graph->real_heads[i]->id);
}
