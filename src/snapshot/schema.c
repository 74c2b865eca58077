/* The DDL: pg_dump under the exported snapshot, taken apart. It runs while the rest is planned, since
 * somebody might wait for a table soon, and pg_dump, which wants its locks at its beginning, would wait
 * behind him; each section of what it wrote is a piece of the flow like the tables.
 */
#include "snapshot/dump.h"
#include "snapshot/extras.sql.h"
#include "snapshot/flow.h"

static const struct {
    const char *of_pg_dump, *name, *member;
} sections[] = {
    {"pre-data", "pre", "schema/pre-data.sql.zst"},
    {"post-data", "post", "schema/post-data.sql.zst"},
};

static bool has_type(const json_t *entries, const char *type)
{
    size_t i;
    json_t *entry;
    json_array_foreach(entries, i, entry)
    {
        if (belay_equal(json_string_value(json_object_get(entry, "type")), type))
            return true;
    }
    return false;
}

bool belay_taking_dump(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_query0(t->pg, sql_extras_strings_off, &rows, err))
        return false;
    const belay_dump_options how = {.programs = &t->programs,
        .dialer = t->options->dialer,
        .dbname = t->options->dbname,
        .snapshot = t->snapshot,
        .application_name = t->run_id,
        .lock_wait_ms = t->lock_wait_ms,
        .strings_off = belay_rows_bool(rows, 0, 0),
        .given_up = &t->given_up};
    t->dump = belay_dump_begin(&how, err);
    return t->dump != NULL;
}

static bool begin(belay_taking *t, size_t *ret_count, belay_error *err)
{
    *ret_count = BELAY_COUNT(sections);
    return belay_pg_query0(t->pg, sql_extras_large_object_ddl, &t->large_object_ddl, err) &&
           belay_pg_query0(t->pg, sql_extras_closed_public, &t->closed_public, err);
}

static bool put(belay_worker *w, belay_piece *piece, const belay_str *text, belay_error *err)
{
    return belay_chunk_begin(w, piece, err) && belay_chunk_add(w, belay_str_text(text), text->length, err) &&
           belay_chunk_end(w, err);
}

/* pg_dump of 15 and later takes schema public of every new database for one in which PUBLIC may not create,
 * and says nothing where that is so at the source. In a database of a server before 15 PUBLIC may, and would
 * again after a restore. The entry stands behind all others, under a number below those of large objects. */
static void close_public(const belay_taking *t, belay_str *to, json_t *entries)
{
    static const json_int_t id = (INT64_C(1) << 40) - 1;
    static const char text[] = "REVOKE CREATE ON SCHEMA public FROM PUBLIC;\n\n";
    if (belay_rows_count(t->closed_public) == 0)
        return;
    json_array_append_new(entries,
        json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:[], s:I, s:I}", "id", id, "section", "pre", "type", "ACL",
            "schema", "", "name", "SCHEMA public", "owner", belay_rows_text(t->closed_public, 0, 0),
            "depends", "start", (json_int_t)to->length, "length", (json_int_t)strlen(text)));
    belay_str_append(to, text);
}

/* Sequences are named by the first section only. */
static bool check_sequences(belay_worker *w, size_t number, belay_error *err)
{
    return number > 0 || (belay_worker_leave(w, err) && belay_sequences_check(w->flow->t, w->pg, err));
}

static bool take_section(belay_worker *w, belay_piece *piece, belay_error *err)
{
    belay_taking *t = w->flow->t;
    size_t number = piece->first;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str clean = BELAY_STR_INIT;
    json_decref(piece->entries);
    piece->entries = json_array();
    if (!belay_dump_section(t->dump, sections[number].of_pg_dump, &text, err) ||
        !check_sequences(w, number, err) ||
        !belay_dump_split(belay_str_text(&text), text.length, sections[number].name, t->server_version,
            &clean, piece->entries, err))
        return false;
    if (number == 0 && !has_type(piece->entries, "BLOB") &&
        !belay_taking_large_object_ddl(t, &clean, piece->entries, err))
        return false;
    if (number == 0)
        close_public(t, &clean, piece->entries);
    return put(w, piece, &clean, err);
}

static void cut(belay_taking *t, belay_piece *pieces, size_t count)
{
    (void)t;
    for (size_t i = 0; i < count; i++)
        pieces[i] = (belay_piece){.take = take_section,
            .first = i,
            .member = sections[i].member,
            .cost_bytes = UINT64_MAX,
            .needs_server = i == 0,
            .is_schema = true};
}

static bool end(belay_taking *t, const belay_piece *pieces, size_t count, belay_error *err)
{
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_extend(all, pieces[i].entries);
    t->has_event_triggers = has_type(all, "EVENT TRIGGER");
    json_t *toc = json_pack("{s:o}", "entries", all);
    bool ok = belay_taking_add(t, BELAY_MEMBER_DESCRIPTION, t->description, strlen(t->description), 0, err) &&
              belay_taking_add_json(t, "toc.json", toc, err);
    json_decref(toc);
    return ok;
}

const belay_extra belay_extra_sections = {begin, cut, end};
