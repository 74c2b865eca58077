/* The snapshots of a store: list, find, mark as proven. */
#include "archive/archive.h"
#include "seal/seal.h"
#include "snapshot/parts.h"
#include "util/clock.h"

void belay_snapshot_info_done(belay_snapshot_info *info)
{
    free(info->id);
    free(info->name);
    free(info->path);
    free(info->target);
    free(info->created_at);
    belay_list_done(&info->revisions);
    free(info->proven_at);
    *info = (belay_snapshot_info){0};
}

/* Without what names of snapshots end with. */
static char *stem_of(const char *name)
{
    return belay_strndup(name, strlen(name) - strlen(belay_seal_suffix_of(name)));
}

static char *proof_name(const char *name)
{
    BELAY_AUTO(belay_free) char *stem = stem_of(name);
    return belay_format("%s.proof.json", stem);
}

/* "<target>/<id>.tar" or ".tar.age", and nothing deeper. */
static bool is_snapshot(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash != NULL && strchr(slash + 1, '/') == NULL && belay_seal_suffix_of(name) != NULL;
}

/* 0: there is none. False when that cannot be known. */
static bool size_of_file(belay_store *store, const char *name, uint64_t *ret, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing listing = {0};
    *ret = 0;
    if (!store->list(store, name, &listing, err))
        return false;
    for (size_t i = 0; i < listing.count; i++) {
        if (belay_equal(listing.items[i].name, name))
            *ret = listing.items[i].size_bytes;
    }
    return true;
}

uint64_t belay_snapshot_file_bytes(belay_store *store, const char *name)
{
    uint64_t size_bytes = 0;
    size_of_file(store, name, &size_bytes, NULL);
    return size_bytes;
}

static void fill(belay_snapshot_info *info, const belay_archive *archive)
{
    const belay_manifest *m = belay_archive_manifest(archive);
    info->created_at = belay_strdup(m->created_at);
    for (size_t i = 0; i < m->revision_count; i++)
        belay_list_add(&info->revisions, m->revisions[i]);
    info->raw_bytes = m->raw_bytes;
    info->rows = m->rows;
    info->tables = m->table_count;
    info->seconds = m->seconds;
}

static void read_proof(belay_store *store, const char *name, belay_snapshot_info *ret)
{
    BELAY_AUTO(belay_free) char *proof = proof_name(name);
    BELAY_AUTO(belay_free) char *text = NULL;
    if (!belay_store_read_all(store, proof, 65536, &text, NULL, NULL))
        return;
    json_t *json = json_loads(text, 0, NULL);
    const char *at = json_string_value(json_object_get(json, "proven_at"));
    ret->proven_at = at == NULL ? NULL : belay_strdup(at);
    ret->proof_seconds = json_number_value(json_object_get(json, "seconds"));
    json_decref(json);
}

/* What the name of the file tells: ids begin with their time. */
static char *time_of_id(const char *id)
{
    time_t at = 0;
    char text[BELAY_UTC_SIZE] = "";
    if (belay_id_time(id, strlen(id), &at))
        belay_format_utc(at, text);
    return belay_strdup(text);
}

static void read_info(
    belay_store *store, const belay_store_entry *file, belay_snapshot_info *ret, belay_error *err)
{
    BELAY_AUTO(belay_archive_close) belay_archive *archive = NULL;
    belay_error why = {0};
    const char *slash = strchr(file->name, '/');
    ret->name = belay_strdup(file->name);
    ret->path = belay_store_path(store, file->name);
    ret->target = belay_strndup(file->name, (size_t)(slash - file->name));
    ret->id = stem_of(slash + 1);
    ret->bytes = file->size_bytes;
    bool opened = belay_archive_peek(store, file->name, &archive, &why);
    if (!opened && why.code != BELAY_E_KEY) {
        ret->state = "damaged";
        ret->created_at = belay_strdup("");
    } else {
        read_proof(store, file->name, ret);
        ret->state = !opened ? "encrypted" : ret->proven_at == NULL ? "verified" : "proven";
        if (opened)
            fill(ret, archive);
        else
            ret->created_at = time_of_id(ret->id);
    }
    if (!opened && err != NULL)
        *err = why;
}

bool belay_snapshot_list(
    belay_store *store, const char *target, belay_snapshot_info **ret, size_t *ret_count, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing listing = {0};
    BELAY_AUTO(belay_free) char *prefix = target == NULL ? belay_strdup("") : belay_format("%s/", target);
    if (!store->list(store, prefix, &listing, err))
        return false;
    belay_snapshot_info *infos = belay_alloc((listing.count + 1) * sizeof *infos);
    size_t count = 0;
    for (size_t i = listing.count; i > 0; i--) { /* ids begin with their time: backwards is newest first */
        if (is_snapshot(listing.items[i - 1].name))
            read_info(store, &listing.items[i - 1], &infos[count++], NULL);
    }
    *ret = infos;
    *ret_count = count;
    return true;
}

void belay_snapshot_list_free(belay_snapshot_info *infos, size_t count)
{
    for (size_t i = 0; i < count; i++)
        belay_snapshot_info_done(&infos[i]);
    free(infos);
}

bool belay_snapshot_find(
    belay_store *store, const char *target, const char *id, belay_snapshot_info *ret, belay_error *err)
{
    BELAY_AUTO(belay_store_listing_done) belay_store_listing listing = {0};
    BELAY_AUTO(belay_free) char *prefix = target == NULL ? belay_strdup("") : belay_format("%s/", target);
    const belay_store_entry *found = NULL;
    if (!store->list(store, prefix, &listing, err))
        return false;
    for (size_t i = 0; i < listing.count; i++) {
        const char *name = listing.items[i].name;
        if (!is_snapshot(name) || !belay_starts_with(strchr(name, '/') + 1, id))
            continue;
        if (found != NULL) {
            belay_fail(
                err, BELAY_E_USAGE, "several snapshots begin with \"%s\": %s and %s", id, found->name, name);
            return belay_error_hint(err, "give more characters of the id; `belay snapshots` lists them");
        }
        found = &listing.items[i];
    }
    if (found == NULL) {
        belay_fail(err, BELAY_E_NOT_FOUND, "there is no snapshot \"%s\" in %s", id, store->url);
        return belay_error_hint(err, "`belay snapshots` lists them");
    }
    belay_error why = {0};
    read_info(store, found, ret, &why);
    if (why.code == BELAY_E_NONE)
        return true;
    belay_snapshot_info_done(ret);
    if (err != NULL)
        *err = why;
    return false;
}

bool belay_snapshot_mark_proven(
    belay_store *store, const belay_snapshot_info *info, double seconds, belay_error *err)
{
    char now[BELAY_UTC_SIZE];
    belay_format_utc(belay_now_utc(), now);
    BELAY_AUTO(belay_free) char *name = proof_name(info->name);
    json_t *json = json_pack("{s:s, s:f}", "proven_at", now, "seconds", seconds);
    BELAY_AUTO(belay_free) char *text = json_dumps(json, JSON_PRESERVE_ORDER);
    json_decref(json);
    return belay_store_write_all(store, name, text, strlen(text), err);
}

bool belay_snapshot_newest(
    belay_store *store, const char *target, belay_snapshot_info *ret, bool *ret_found, belay_error *err)
{
    belay_snapshot_info *infos = NULL;
    size_t count = 0;
    *ret_found = false;
    if (!belay_snapshot_list(store, target, &infos, &count, err))
        return false;
    for (size_t i = 0; i < count && !*ret_found; i++) {
        if (belay_equal(infos[i].state, "damaged"))
            continue;
        *ret = infos[i];
        infos[i] = (belay_snapshot_info){0};
        *ret_found = true;
    }
    belay_snapshot_list_free(infos, count);
    return true;
}

bool belay_snapshot_remove(belay_store *store, const char *name, belay_error *err)
{
    BELAY_AUTO(belay_free) char *proof = proof_name(name);
    BELAY_AUTO(belay_free) char *signature = belay_format("%s" BELAY_SUFFIX_SIGNATURE, name);
    return store->remove(store, proof, err) && store->remove(store, signature, err) &&
           store->remove(store, name, err);
}

bool belay_snapshot_remove_part(belay_store *store, const char *target, const char *id, belay_error *err)
{
    static const char *const suffixes[] = {BELAY_SUFFIX_PLAIN, BELAY_SUFFIX_ENCRYPTED};
    for (size_t i = 0; i < BELAY_COUNT(suffixes); i++) {
        BELAY_AUTO(belay_free) char *name = belay_format("%s/%s%s", target, id, suffixes[i]);
        BELAY_AUTO(belay_free) char *part = belay_format("%s.part", name);
        BELAY_AUTO(belay_free) char *signature = belay_format("%s" BELAY_SUFFIX_SIGNATURE, name);
        uint64_t published_bytes = 0;
        if (!size_of_file(store, name, &published_bytes, err))
            return false;
        /* the part last, since it is what is looked for */
        if ((published_bytes == 0 && !store->remove(store, signature, err)) ||
            !store->remove(store, part, err))
            return false;
    }
    return true;
}
