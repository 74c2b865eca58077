/* The schema's part of a comparison. */
#include "restore/compare_parts.h"
#include "restore/restore.sql.h"
#include "restore/roles.h"
#include "restore/toc.h"
#include "util/json.h"

static const char not_valid[] = " NOT VALID";

/* The key as the snapshot has it; NULL when it has none of that name, or has it NOT VALID itself. */
static const belay_toc_entry *valid_in_snapshot(const belay_toc *toc, const char *schema, const char *name)
{
    const belay_toc_entry *entry = belay_toc_find(toc, "FK CONSTRAINT", schema, name);
    if (entry == NULL || entry->statement_count == 0 || belay_ends_with(entry->statements[0], not_valid))
        return NULL;
    return entry;
}

static bool has_key(const belay_rows *keys, const belay_toc_entry *entry)
{
    for (size_t i = 0; i < belay_rows_count(keys); i++) {
        if (belay_equal(belay_rows_text(keys, i, 0), entry->schema) &&
            belay_equal(belay_rows_text(keys, i, 1), entry->name))
            return true;
    }
    return false;
}

/* Takes NOT VALID off the keys that the snapshot has as valid. */
static void mark_valid(const belay_toc *toc, const belay_rows *keys, belay_list *lines)
{
    for (size_t i = 0; i < belay_rows_count(keys); i++) {
        if (belay_rows_bool(keys, i, 2) ||
            valid_in_snapshot(toc, belay_rows_text(keys, i, 0), belay_rows_text(keys, i, 1)) == NULL)
            continue;
        for (size_t l = 0; l < lines->count; l++) {
            char *line = lines->items[l];
            if (belay_starts_with(line, belay_rows_text(keys, i, 3)) && belay_ends_with(line, not_valid))
                line[strlen(line) - (sizeof not_valid - 1)] = '\0';
        }
    }
}

/* A view that could not be filled has the word "empty" behind its name. */
static void mark_filled(const belay_toc *toc, const belay_rows *views, belay_list *lines)
{
    for (size_t i = 0; i < belay_rows_count(views); i++) {
        const char *head = belay_rows_text(views, i, 2);
        if (belay_toc_find(toc, "MATERIALIZED VIEW DATA", belay_rows_text(views, i, 0),
                belay_rows_text(views, i, 1)) == NULL)
            continue;
        for (size_t l = 0; l < lines->count; l++) {
            char *line = lines->items[l];
            char *word = belay_starts_with(line, head) ? strstr(line + strlen(head), "empty as ") : NULL;
            if (word != NULL)
                memmove(word, word + strlen("empty "), strlen(word + strlen("empty ")) + 1);
        }
    }
}

/* "constraint s.t k FOREIGN KEY ..." of a key that was left out: pg_dump wrote "ALTER TABLE s.t\n    ADD
 * CONSTRAINT k FOREIGN KEY ...". */
static char *line_of(const belay_toc_entry *entry)
{
    static const char head[] = "ALTER TABLE ";
    static const char middle[] = "ADD CONSTRAINT ";
    const char *sql = entry->statements[0];
    const char *add = strstr(sql, middle);
    if (!belay_starts_with(sql, head) || add == NULL)
        return NULL;
    const char *table = sql + sizeof head - 1;
    if (belay_starts_with(table, "ONLY "))
        table += strlen("ONLY ");
    int length = (int)strcspn(table, "\n");
    while (length > 0 && table[length - 1] == ' ')
        length--;
    return belay_format("constraint %.*s %s", length, table, add + sizeof middle - 1);
}

static void add_left_out(const belay_toc *toc, const belay_rows *keys, belay_list *lines)
{
    for (size_t i = toc->pre_count; i < toc->count; i++) {
        const belay_toc_entry *entry = &toc->entries[i];
        if (!belay_equal(entry->type, "FK CONSTRAINT") || entry->statement_count == 0 || has_key(keys, entry))
            continue;
        char *line = line_of(entry);
        if (line != NULL)
            belay_list_add_owned(lines, line);
    }
}

static bool quoted_names(belay_comparison *c, const belay_list *names, char **ret, belay_error *err)
{
    BELAY_AUTO(belay_json_free) json_t *array = belay_json_of_list(names);
    BELAY_AUTO(belay_free) char *text = json_dumps(array, JSON_COMPACT);
    return text == NULL ? belay_fail(err, BELAY_E_ARCHIVE, "a policy of the snapshot names roles in no UTF-8")
                        : belay_pg_value(c->pg, sql_quoted_names, (const char *const[]){text}, 1, ret, err);
}

/* "<prefix>... to <now> using ...": `now` becomes `before`. */
static void replace_roles(belay_list *lines, const char *prefix, const char *now, const char *before)
{
    BELAY_AUTO(belay_free) char *wanted = belay_format(" to %s using ", now);
    for (size_t l = 0; l < lines->count; l++) {
        char *line = lines->items[l];
        char *at = belay_starts_with(line, prefix) ? strstr(line + strlen(prefix) - 1, wanted) : NULL;
        if (at == NULL)
            continue;
        lines->items[l] =
            belay_format("%.*s to %s using %s", (int)(at - line), line, before, at + strlen(wanted));
        free(line);
        return;
    }
}

/* Roles of one policy as the snapshot has them, where role_map gave it others. */
static bool unmap_policy(belay_comparison *c, const belay_toc_entry *entry, const char *prefix,
    belay_list *lines, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list before = {0};
    BELAY_AUTO(belay_list_done) belay_list now = {0};
    belay_roles_collect(entry->statements[0], &before);
    for (size_t i = 0; i < before.count; i++)
        belay_list_add(&now, belay_roles_lookup(before.items[i], c->options->role_map));
    BELAY_AUTO(belay_free) char *before_text = NULL;
    BELAY_AUTO(belay_free) char *now_text = NULL;
    if (before.count == 0)
        return true;
    if (!quoted_names(c, &before, &before_text, err) || !quoted_names(c, &now, &now_text, err))
        return false;
    replace_roles(lines, prefix, now_text, before_text);
    return true;
}

static bool unmap_policies(belay_comparison *c, const belay_toc *toc, belay_list *lines, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *policies = NULL;
    if (c->options->role_map == NULL || c->options->role_map->count == 0)
        return true;
    if (!belay_pg_query0(c->pg, sql_policies, &policies, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(policies); i++) {
        const belay_toc_entry *entry =
            belay_toc_find(toc, "POLICY", belay_rows_text(policies, i, 0), belay_rows_text(policies, i, 1));
        if (entry != NULL && entry->statement_count > 0 &&
            !unmap_policy(c, entry, belay_rows_text(policies, i, 2), lines, err))
            return false;
    }
    return true;
}

static bool quoted_name(belay_comparison *c, const char *name, char **ret, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list names = {0};
    belay_list_add(&names, name);
    return quoted_names(c, &names, ret, err);
}

/* "user mapping ROLE server SERVER"; pg_dump calls the entry "USER MAPPING role SERVER server". */
static bool unmap_user_mapping(
    belay_comparison *c, const belay_toc_entry *entry, belay_list *lines, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list roles = {0};
    belay_roles_collect(entry->statements[0], &roles);
    if (roles.count != 1)
        return true;
    BELAY_AUTO(belay_free) char *head = belay_format("USER MAPPING %s SERVER ", (char *)roles.items[0]);
    BELAY_AUTO(belay_free) char *before = NULL;
    BELAY_AUTO(belay_free) char *now = NULL;
    BELAY_AUTO(belay_free) char *server = NULL;
    if (!belay_starts_with(entry->name, head))
        return true;
    if (!quoted_name(c, roles.items[0], &before, err) ||
        !quoted_name(c, belay_roles_lookup(roles.items[0], c->options->role_map), &now, err) ||
        !quoted_name(c, entry->name + strlen(head), &server, err))
        return false;
    BELAY_AUTO(belay_free) char *line = belay_format("user mapping %s server %s", now, server);
    for (size_t l = 0; l < lines->count; l++) {
        if (!belay_equal(lines->items[l], line))
            continue;
        free(lines->items[l]);
        lines->items[l] = belay_format("user mapping %s server %s", before, server);
        return true;
    }
    return true;
}

static bool unmap_user_mappings(
    belay_comparison *c, const belay_toc *toc, belay_list *lines, belay_error *err)
{
    if (c->options->role_map == NULL || c->options->role_map->count == 0)
        return true;
    for (size_t i = 0; i < toc->count; i++) {
        const belay_toc_entry *entry = &toc->entries[i];
        if (belay_equal(entry->type, "USER MAPPING") && entry->statement_count > 0 &&
            !unmap_user_mapping(c, entry, lines, err))
            return false;
    }
    return true;
}

/* The description as it would be if every key of the snapshot had held, every view been filled, and no role
 * been mapped. */
static bool as_in_snapshot(belay_comparison *c, const char *description, char **ret, belay_error *err)
{
    BELAY_AUTO(belay_toc_free) belay_toc *toc = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *keys = NULL;
    BELAY_AUTO(belay_rows_free) belay_rows *views = NULL;
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    if (!belay_toc_read(c->archive, &toc, err) || !belay_pg_query0(c->pg, sql_foreign_keys, &keys, err) ||
        !belay_pg_query0(c->pg, sql_empty_views, &views, err))
        return false;
    belay_list_split(&lines, description, "\n");
    mark_valid(toc, keys, &lines);
    mark_filled(toc, views, &lines);
    add_left_out(toc, keys, &lines);
    if (!unmap_policies(c, toc, &lines, err) || !unmap_user_mappings(c, toc, &lines, err))
        return false;
    belay_list_sort(&lines);
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&lines, "\n");
    *ret = belay_format("%s\n", joined);
    return true;
}

static void hash_of(const char *text, char hex[static BELAY_SHA256_HEX_SIZE])
{
    belay_sha256_of(text, strlen(text), hex);
}

static bool describe(const belay_comparison *c, belay_str *ret, belay_error *err)
{
    belay_pg *readers[BELAY_SCHEMA_READERS] = {c->pg};
    memcpy(readers + 1, c->helpers, c->helper_count * sizeof *readers);
    return belay_schema_describe_on(readers, 1 + c->helper_count, ret, err) &&
           belay_str_check(ret, "the schema's description", err);
}

/* NULL when it equals what the snapshot describes, else what a person reads. The caller frees. */
static char *difference(const belay_comparison *c, const char *expected, const char *description)
{
    enum { SHOWN_LINES = 6 };
    char hex[BELAY_SHA256_HEX_SIZE];
    BELAY_AUTO(belay_free) char *before = NULL;
    size_t length = 0;
    hash_of(description, hex);
    if (belay_equal(hex, expected))
        return NULL;
    bool known = belay_manifest_find(c->manifest, BELAY_MEMBER_DESCRIPTION) != NULL &&
                 belay_archive_read_decoded(c->archive, BELAY_MEMBER_DESCRIPTION, &before, &length, NULL);
    BELAY_AUTO(belay_free)
    char *text = known ? belay_schema_difference(before, description, SHOWN_LINES) : NULL;
    BELAY_AUTO(belay_list_done) belay_list lines = {0};
    belay_list_split(&lines, text == NULL ? "" : text, "\n");
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&lines, "; ");
    return belay_format("schema: its description differs from the snapshot's%s%s", known ? ": " : "", joined);
}

static bool compare_description(
    belay_comparison *c, const char *expected, const char *description, belay_error *err)
{
    BELAY_AUTO(belay_free) char *adjusted = NULL;
    BELAY_AUTO(belay_free) char *differs = difference(c, expected, description);
    if (differs != NULL && c->options->restored) {
        if (!as_in_snapshot(c, description, &adjusted, err))
            return false;
        free(differs);
        differs = difference(c, expected, adjusted);
    }
    if (differs != NULL)
        belay_compare_note(c, belay_take(differs));
    return true;
}

bool belay_compare_schema(belay_comparison *c, belay_error *err)
{
    json_t *header = NULL;
    if (!belay_header_read(c->archive, &header, err))
        return false;
    json_int_t version = json_integer_value(json_object_get(header, "server_version"));
    const char *expected = json_string_value(json_object_get(header, "schema_hash"));
    bool ok = true;
    BELAY_AUTO(belay_str_done) belay_str description = BELAY_STR_MAX(SIZE_MAX / 2);
    if (expected != NULL && version / 10000 == belay_pg_server_version(c->pg) / 10000) {
        ok = describe(c, &description, err) &&
             compare_description(c, expected, belay_str_text(&description), err);
        hash_of(belay_str_text(&description), c->schema_hash);
    }
    json_decref(header);
    return ok;
}
