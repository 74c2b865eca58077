/* The story as events: one JSON object a line on stderr. docs/progress.md says what programs may rely on. */
#include <stdio.h>

#include "report/error_json.h"
#include "report/pace.h"
#include "util/clock.h"
#include "util/json.h"

enum { INTERVAL_MS = 500 };

typedef struct events {
    belay_reporter base;
    belay_level least;
    int64_t started_ms;
    belay_pace pace;
} events;

static const char *const level_names[] = {[BELAY_DEBUG] = "debug",
    [BELAY_INFO] = "info",
    [BELAY_NOTICE] = "notice",
    [BELAY_WARN] = "warning",
    [BELAY_ERROR] = "error"};

static json_t *event(const events *e, const char *kind)
{
    return json_pack("{s:s, s:I}", "event", kind, "elapsed_ms", (json_int_t)(belay_now_ms() - e->started_ms));
}

/* Steals the reference. One call of the C library per line, so that lines stay whole. */
static void put(json_t *json)
{
    BELAY_AUTO(belay_free) char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(json);
    if (text != NULL)
        fprintf(stderr, "%s\n", text);
}

static void line(belay_reporter *self, belay_level level, const char *text)
{
    const events *e = (events *)self;
    if (level < e->least)
        return;
    json_t *json = event(e, "message");
    json_object_set_new(json, "level", json_string(level_names[level]));
    json_object_set_new(json, "text", belay_json_of_text(text));
    put(json);
}

static void error(belay_reporter *self, const belay_error *err)
{
    json_t *json = event((events *)self, "error");
    json_object_set_new(json, "error", belay_error_json(err));
    put(json);
}

static void stage(belay_reporter *self, const char *what, const char *name)
{
    json_t *json = event((events *)self, "stage");
    json_object_set_new(json, "what", json_string(what));
    json_object_set_new(json, "name", json_string(name));
    put(json);
}

static void set_count(json_t *json, const char *key, uint64_t value)
{
    json_object_set_new(json, key, json_integer((json_int_t)value));
}

static void set_known(json_t *json, const char *key, uint64_t value)
{
    json_object_set_new(json, key, value == 0 ? json_null() : json_integer((json_int_t)value));
}

static void progress(belay_reporter *self, const belay_progress *p)
{
    events *e = (events *)self;
    if (!belay_pace_due(&e->pace, p, belay_now_ms(), INTERVAL_MS))
        return;
    belay_figures figures;
    belay_pace_read(&e->pace, p, &figures);
    json_t *json = event(e, "progress");
    json_object_set_new(json, "what", json_string(p->what));
    json_object_set_new(json, "item", p->item == NULL ? json_null() : belay_json_of_text(p->item));
    set_count(json, "bytes", p->done_bytes);
    set_known(json, "total_bytes", p->total_bytes);
    set_count(json, "item_bytes", p->item_done_bytes);
    set_known(json, "item_total_bytes", p->item_total_bytes);
    set_count(json, "items", p->done_items);
    set_known(json, "total_items", p->total_items);
    set_count(json, "rows", p->done_rows);
    set_count(json, "work_ms", (uint64_t)p->elapsed_ms);
    set_count(json, "rate_bytes_per_s", (uint64_t)figures.rate_bytes_per_s);
    json_object_set_new(json, "seconds_left",
        figures.seconds_left < 0 ? json_null() : json_integer((json_int_t)(figures.seconds_left + 0.5)));
    json_object_set_new(json, "finished", json_boolean(p->finished));
    put(json);
}

static void release(belay_reporter *self)
{
    free(self);
}

belay_reporter *belay_events_new(belay_level least)
{
    events *e = belay_alloc(sizeof *e);
    e->base =
        (belay_reporter){.line = line, .progress = progress, .stage = stage, .error = error, .free = release};
    e->least = least;
    e->started_ms = belay_now_ms();
    return &e->base;
}
