#include "pipeline/writer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/host_name.h"
#include "util/mem.h"
#include "util/str.h"

enum { LINE_SIZE = 1024, LINK_SIZE = 64, STARTED_FIELD = 22 };

static bool read_line(const char *path, char ret[static LINE_SIZE])
{
    FILE *file = fopen(path, "re");
    bool ok = file != NULL && fgets(ret, LINE_SIZE, file) != NULL;
    if (file != NULL)
        fclose(file);
    if (ok)
        ret[strcspn(ret, "\n")] = '\0';
    return ok;
}

/* Process ids mean the same where this is the same. "": unknown. The caller frees. */
static char *machine_now(void)
{
    char boot[LINE_SIZE] = "", names[LINK_SIZE] = "";
    ssize_t length = readlink("/proc/self/ns/pid", names, sizeof names - 1);
    if (length <= 0 || !read_line("/proc/sys/kernel/random/boot_id", boot))
        return belay_strdup("");
    return belay_format("%s/%s", boot, names);
}

/* In ticks since the machine was started (proc(5)); 0: unknown. The name in the second field may hold
 * anything, and ends with the last parenthesis. */
static json_int_t started_at(pid_t pid)
{
    char path[LINK_SIZE], line[LINE_SIZE];
    long long ticks = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char *at = read_line(path, line) ? strrchr(line, ')') : NULL;
    for (int field = 2; at != NULL && field < STARTED_FIELD; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return 0;
    BELAY_AUTO(belay_free) char *text = belay_strndup(at + 1, strcspn(at + 1, " "));
    return belay_parse_int64(text, &ticks) ? (json_int_t)ticks : 0;
}

json_t *belay_writer_json(void)
{
    char host[BELAY_HOST_NAME_SIZE];
    BELAY_AUTO(belay_free) char *machine = machine_now();
    belay_host_name(host);
    return json_pack("{s:s, s:i, s:s, s:I}", "host", host, "pid", (int)getpid(), "machine", machine,
        "started", started_at(getpid()));
}

bool belay_writer_is_gone(const json_t *record)
{
    BELAY_AUTO(belay_free) char *here = machine_now();
    const char *machine = belay_json_text(record, "machine");
    json_int_t pid = json_integer_value(json_object_get(record, "pid"));
    json_int_t started = json_integer_value(json_object_get(record, "started"));
    if (machine == NULL || *machine == '\0' || !belay_equal(machine, here) || pid <= 0 || started <= 0)
        return false;
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
        return true;
    json_int_t now = started_at((pid_t)pid);
    return now != 0 && now != started; /* another one has its number */
}
