#include "pipeline/origin.h"

#include "archive/archive.h"
#include "restore/toc.h"
#include "util/json.h"

static bool is_of_server(const belay_run *run, const char *server)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    BELAY_AUTO(belay_json_free) json_t *header = NULL;
    if (!belay_archive_peek(belay_run_snapshot_store(run), run->snapshot.name, &archive, NULL) ||
        !belay_header_read(archive, &header, NULL))
        return false;
    const char *its = belay_json_text(header, "system_identifier");
    return its != NULL && server != NULL && belay_equal(its, server);
}

bool belay_origin_is_foreign(const belay_run *run)
{
    BELAY_AUTO(belay_free) char *server = belay_run_server(run);
    if (run->how.target->require_signature.count > 0 || is_of_server(run, server))
        return false;
    belay_say(run->how.reporter, BELAY_WARN,
        "snapshot %s was taken on another server, and target %s has no require_signature: a restore runs the "
        "functions, views and triggers that are in it, whoever wrote it",
        run->snapshot.id, run->how.target->name);
    return true;
}
