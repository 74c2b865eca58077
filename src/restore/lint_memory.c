#include "restore/lint_memory.h"

#include "restore/lint.sql.h"
#include "restore/toc.h"
#include "util/clock.h"
#include "util/json.h"

enum { MOST_BYTES = 65536, COUNTS_SECONDS = 7 * 86400 };

static char *file_of(const belay_target *target)
{
    return belay_format("%s/lint.json", target->name);
}

/* With its end, so that two texts are not taken for others of the same letters. */
static void hash_text(belay_sha256 *hash, const char *text)
{
    static const char none[] = "";
    belay_sha256_update(hash, text == NULL ? none : text, text == NULL ? 1 : strlen(text) + 1);
}

/* Without what is another's in each snapshot: id, time, revisions. */
static void hash_header(belay_sha256 *hash, const json_t *header)
{
    static const char *const keys[] = {
        "database", "extensions", "roles", "schema_hash", "server_version", "system_identifier"};
    for (size_t i = 0; i < BELAY_COUNT(keys); i++) {
        BELAY_AUTO(belay_free)
        char *text =
            json_dumps(json_object_get(header, keys[i]), JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        hash_text(hash, text);
    }
}

/* The statements and their order, not pg_dump's comments, which tell the time. */
static void hash_schema(belay_sha256 *hash, const belay_toc *toc)
{
    hash_text(hash, toc->pre_prologue);
    hash_text(hash, toc->post_prologue);
    for (size_t i = 0; i < toc->count; i++) {
        const belay_toc_entry *entry = &toc->entries[i];
        const char *const texts[] = {i < toc->pre_count ? "pre" : "post", entry->type, entry->schema,
            entry->name, entry->tablespace, entry->access_method};
        for (size_t t = 0; t < BELAY_COUNT(texts); t++)
            hash_text(hash, texts[t]);
        belay_sha256_update(hash, &entry->id, sizeof entry->id);
        belay_sha256_update(hash, entry->depends, entry->depends_count * sizeof *entry->depends);
        for (size_t s = 0; s < entry->statement_count; s++)
            hash_text(hash, entry->statements[s]);
    }
}

bool belay_lint_key(belay_archive *archive, belay_pg *maintenance, const belay_target *target,
    char ret[static BELAY_SHA256_HEX_SIZE], belay_error *err)
{
    BELAY_AUTO(belay_toc_free) belay_toc *toc = NULL;
    BELAY_AUTO(belay_free) char *server = NULL;
    BELAY_AUTO(belay_free) char *map = belay_list_join(&target->role_map, "\n");
    if (!belay_toc_read(archive, &toc, err) ||
        !belay_pg_value(maintenance, sql_lint_server, NULL, 0, &server, err))
        return false;
    BELAY_AUTO(belay_sha256_free) belay_sha256 *hash = belay_sha256_new();
    hash_text(hash, BELAY_VERSION);
    hash_text(hash, server);
    hash_text(hash, map);
    hash_header(hash, toc->header);
    hash_schema(hash, toc);
    belay_sha256_finish(hash, ret);
    return true;
}

static bool counts(const char *id)
{
    time_t when = 0;
    time_t now = belay_now_utc();
    return belay_id_time(id, strlen(id), &when) && when <= now && now - when <= COUNTS_SECONDS;
}

char *belay_lint_recall(belay_store *store, const belay_target *target, const char *key)
{
    BELAY_AUTO(belay_free) char *file = file_of(target);
    BELAY_AUTO(belay_free) char *text = NULL;
    if (!belay_store_read_all(store, file, MOST_BYTES, &text, NULL, NULL))
        return NULL;
    BELAY_AUTO(belay_json_free) json_t *json = json_loads(text, 0, NULL);
    const char *known = belay_json_text(json, "key");
    const char *id = belay_json_text(json, "snapshot");
    bool usable = known != NULL && belay_equal(known, key) && id != NULL && counts(id);
    return usable ? belay_strdup(id) : NULL;
}

bool belay_lint_remember(
    belay_store *store, const belay_target *target, const char *key, const char *id, belay_error *err)
{
    BELAY_AUTO(belay_free) char *file = file_of(target);
    BELAY_AUTO(belay_json_free)
    json_t *json = json_pack("{s:s, s:s, s:s}", "snapshot", id, "key", key, "belay_version", BELAY_VERSION);
    BELAY_AUTO(belay_free) char *text = json_dumps(json, JSON_PRESERVE_ORDER);
    return belay_store_write_all(store, file, text, strlen(text), err);
}
