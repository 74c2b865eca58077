/* The DDL: pg_dump under the exported snapshot, taken apart. */
#include "snapshot/dump.h"
#include "snapshot/parts.h"

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

static bool take_section(belay_taking *t, const belay_dump_options *how, const char *pg_section,
    const char *section, const char *member, json_t *entries, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    BELAY_AUTO(belay_str_done) belay_str clean = BELAY_STR_INIT;
    if (!belay_dump_run(how, pg_section, &text, err) ||
        !belay_dump_split(belay_str_text(&text), text.length, section, belay_pg_server_version(t->pg), &clean,
            entries, err))
        return false;
    if (belay_equal(section, "pre") && !has_type(entries, "BLOB") &&
        !belay_taking_large_object_ddl(t, &clean, entries, err))
        return false;
    return belay_taking_add(t, member, belay_str_text(&clean), clean.length, 0, err);
}

bool belay_taking_schema(belay_taking *t, belay_error *err)
{
    BELAY_AUTO(belay_free) char *program = NULL;
    if (!belay_dump_find(belay_pg_server_version(t->pg), &program, err))
        return false;
    const belay_dump_options how = {.program = program,
        .dialer = t->options->dialer,
        .dbname = t->options->dbname,
        .snapshot = t->snapshot,
        .application_name = t->run_id,
        .lock_wait_ms = t->lock_wait_ms};
    t->progress.item = "schema";
    belay_taking_advance(t, 0, 0);
    json_t *entries = json_array();
    bool ok = take_section(t, &how, "pre-data", "pre", "schema/pre-data.sql.zst", entries, err) &&
              take_section(t, &how, "post-data", "post", "schema/post-data.sql.zst", entries, err);
    ok = ok && belay_taking_add(t, BELAY_MEMBER_DESCRIPTION, t->description, strlen(t->description), 0, err);
    t->has_event_triggers = has_type(entries, "EVENT TRIGGER");
    json_t *toc = json_pack("{s:o}", "entries", entries);
    ok = ok && belay_taking_add_json(t, "toc.json", toc, err);
    json_decref(toc);
    return ok;
}
