#include "report/run_report.h"

typedef struct meaning {
    const char *outcome;
    const char *verb; /* NULL: any */
    const char *mark; /* of the Markdown heading */
    const char *text; /* what it means for the database */
} meaning;

/* The first that fits counts. */
static const meaning meanings[] = {
    {"restored", "restore", "✅", "The snapshot is in the database's place: compared, stamped and verified."},
    {"succeeded", NULL, "✅", "Migrated and verified."},
    {"untouched", NULL, "❌", "Failed; nothing was committed, the database is as it was before."},
    {"restored", NULL, "❌", "Failed; the data and the stamp of before were put back."},
    {"downgraded", NULL, "❌", "Failed; taken back by the downgrade sections, as the policy asks for."},
    {"stopped", NULL, "⚠️", "Stopped by policy; a person decides with `belay recover`."},
    {"refused", NULL, "❌", "Refused before anything was changed."},
    {"needs_recovery", NULL, "⚠️", "The way back failed; type `belay recover`."},
    {"unfinished", NULL, "⚠️",
        "The run did not end (it runs still, or it died); then type `belay recover`."},
};

/* What stands in a report besides outcome, stages and error, in this order. */
static const struct {
    const char *key;
    const char *label;
    const char *separator; /* of a list; NULL: a comma */
} facts[] = {
    {"run", "run", NULL},
    {"target", "target", NULL},
    {"verb", "verb", NULL},
    {"from", "from", NULL},
    {"to", "to", NULL},
    {"started_at", "started", NULL},
    {"ended_at", "ended", NULL},
    {"host", "host", NULL},
    {"last_stage", "last stage", NULL},
    {"known_by", "known by", NULL},
    {"snapshot", "snapshot", NULL},
    {"twin", "twin", NULL},
    {"kept", "kept database", NULL},
    {"journal", "journal", NULL},
    {"commands", "commands said", NULL},
    {"logs", "logs at health", "\n"},
};

static const struct {
    const char *key;
    const char *label;
} error_facts[] = {
    {"code", "code"},
    {"sqlstate", "SQLSTATE"},
    {"detail", "detail"},
    {"hint", "hint"},
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* Nothing is said of an outcome that is not known. */
static const meaning *meaning_of(const json_t *run)
{
    static const meaning unknown = {"", NULL, "", ""};
    for (size_t i = 0; i < BELAY_COUNT(meanings); i++) {
        const meaning *one = &meanings[i];
        if (belay_equal(one->outcome, text_of(run, "outcome")) &&
            (one->verb == NULL || belay_equal(one->verb, text_of(run, "verb"))))
            return one;
    }
    return &unknown;
}

/* A text, or a list; "(base)" for an empty list, "" for nothing. The caller frees. */
static char *value_of(const json_t *run, const char *key, const char *separator)
{
    const json_t *value = json_object_get(run, key);
    BELAY_AUTO(belay_list_done) belay_list items = {0};
    size_t i;
    const json_t *item;
    if (!json_is_array(value))
        return belay_strdup(text_of(run, key));
    json_array_foreach(value, i, item)
    {
        if (json_is_string(item))
            belay_list_add(&items, json_string_value(item));
    }
    return items.count == 0 ? belay_strdup("(base)")
                            : belay_list_join(&items, separator == NULL ? ", " : separator);
}

static const char *place_of(const json_t *error, char **ret)
{
    const char *file = text_of(error, "file");
    long long line = json_integer_value(json_object_get(error, "line"));
    *ret = line > 0 ? belay_format("%s:%lld", file, line) : belay_strdup(file);
    return *ret;
}

/* Further lines of a text stand under the first. */
static void add_text_fact(belay_str *to, const char *label, const char *value)
{
    if (value[0] == '\0')
        return;
    belay_str_appendf(to, "  %-14s ", label);
    for (; *value != '\0'; value++) {
        belay_str_append_char(to, *value);
        if (*value == '\n' && value[1] != '\0')
            belay_str_append(to, "                 ");
    }
    belay_str_append_char(to, '\n');
}

static void add_text_error(const json_t *error, belay_str *to)
{
    BELAY_AUTO(belay_free) char *place = NULL;
    belay_str_appendf(to, "\nerror: %s\n", text_of(error, "message"));
    add_text_fact(to, "at", place_of(error, &place));
    for (size_t i = 0; i < BELAY_COUNT(error_facts); i++)
        add_text_fact(to, error_facts[i].label, text_of(error, error_facts[i].key));
    add_text_fact(to, "statement", text_of(error, "statement"));
}

void belay_run_report_text(const json_t *run, belay_str *to)
{
    size_t i;
    const json_t *stage;
    belay_str_appendf(to, "%s: %s\n", text_of(run, "outcome"), meaning_of(run)->text);
    for (size_t n = 0; n < BELAY_COUNT(facts); n++) {
        BELAY_AUTO(belay_free) char *value = value_of(run, facts[n].key, facts[n].separator);
        add_text_fact(to, facts[n].label, value);
    }
    const json_t *stages = json_object_get(run, "stages");
    if (json_array_size(stages) > 0)
        belay_str_append(to, "\nstages\n");
    json_array_foreach(stages, i, stage)
        belay_str_appendf(to, "  %-14s %-8s %9.2f s\n", text_of(stage, "name"), text_of(stage, "outcome"),
            json_number_value(json_object_get(stage, "seconds")));
    if (json_is_object(json_object_get(run, "error")))
        add_text_error(json_object_get(run, "error"), to);
}

/* In a cell of a table or a line: no markup of its own, no new line. */
static void add_escaped(belay_str *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            belay_str_append(to, "<br>");
            continue;
        }
        if (*text == '<' || *text == '>' || *text == '&') {
            belay_str_append(to, *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : "&amp;");
            continue;
        }
        if (strchr("\\`*_{}[]()#+!|~", *text) != NULL)
            belay_str_append_char(to, '\\');
        belay_str_append_char(to, *text);
    }
}

/* A block of code whose fence is longer than any in the text. */
static void add_code(belay_str *to, const char *language, const char *text)
{
    size_t longest = 2, run = 0;
    for (const char *at = text; *at != '\0'; at++) {
        run = *at == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    belay_str_append_char(to, '\n');
    for (size_t i = 0; i <= longest; i++)
        belay_str_append_char(to, '`');
    belay_str_appendf(to, "%s\n%s\n", language, text);
    for (size_t i = 0; i <= longest; i++)
        belay_str_append_char(to, '`');
    belay_str_append_char(to, '\n');
}

static void add_row(belay_str *to, const char *label, const char *value)
{
    if (value[0] == '\0')
        return;
    belay_str_appendf(to, "| %s | ", label);
    add_escaped(to, value);
    belay_str_append(to, " |\n");
}

static void add_markdown_error(const json_t *error, belay_str *to)
{
    BELAY_AUTO(belay_free) char *place = NULL;
    belay_str_append(to, "\n### Error\n\n**");
    add_escaped(to, text_of(error, "message"));
    belay_str_append(to, "**\n\n| | |\n| --- | --- |\n");
    add_row(to, "at", place_of(error, &place));
    for (size_t i = 0; i < BELAY_COUNT(error_facts); i++)
        add_row(to, error_facts[i].label, text_of(error, error_facts[i].key));
    if (text_of(error, "statement")[0] != '\0')
        add_code(to, "sql", text_of(error, "statement"));
}

void belay_run_report_markdown(const json_t *run, belay_str *to)
{
    const meaning *means = meaning_of(run);
    size_t i;
    const json_t *stage;
    belay_str_appendf(to, "## %s%sbelay ", means->mark, means->mark[0] == '\0' ? "" : " ");
    add_escaped(to, text_of(run, "verb"));
    belay_str_append_char(to, ' ');
    add_escaped(to, text_of(run, "target"));
    belay_str_append(to, ": ");
    add_escaped(to, text_of(run, "outcome"));
    belay_str_appendf(to, "\n\n%s\n\n| | |\n| --- | --- |\n", means->text);
    for (size_t n = 0; n < BELAY_COUNT(facts); n++) {
        BELAY_AUTO(belay_free) char *value = value_of(run, facts[n].key, facts[n].separator);
        add_row(to, facts[n].label, value);
    }
    const json_t *stages = json_object_get(run, "stages");
    if (json_array_size(stages) > 0)
        belay_str_append(to, "\n### Stages\n\n| stage | outcome | seconds |\n| --- | --- | ---: |\n");
    json_array_foreach(stages, i, stage)
    {
        belay_str_append(to, "| ");
        add_escaped(to, text_of(stage, "name"));
        belay_str_append(to, " | ");
        add_escaped(to, text_of(stage, "outcome"));
        belay_str_appendf(to, " | %.2f |\n", json_number_value(json_object_get(stage, "seconds")));
    }
    if (json_is_object(json_object_get(run, "error")))
        add_markdown_error(json_object_get(run, "error"), to);
}
