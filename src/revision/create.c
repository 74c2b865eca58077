/* New migration files. */
#include <ctype.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "revision/graph.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/hash.h"

enum { SLUG_MAX = 40, ID_BYTES = 6 };

static void random_id(char id[static ID_BYTES * 2 + 1])
{
    unsigned char bytes[ID_BYTES];
    belay_random_bytes(bytes, sizeof bytes);
    belay_hex(bytes, sizeof bytes, id);
}

/* Words of the message in lower case, joined by _, cut at a word. */
static void slug_of(const char *message, char slug[static SLUG_MAX + 1])
{
    size_t length = 0, word_end = 0;
    for (const char *at = message; *at != '\0' && length < SLUG_MAX; at++) {
        unsigned char c = (unsigned char)*at;
        if (isalnum(c) || c == '_') {
            slug[length++] = (char)tolower(c);
        } else if (length > 0 && slug[length - 1] != '_') {
            word_end = length;
            slug[length++] = '_';
        }
    }
    if (length == SLUG_MAX && word_end > 0)
        length = word_end;
    while (length > 0 && slug[length - 1] == '_')
        length--;
    slug[length] = '\0';
}

static bool fail_heads(const rev_list *heads, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list ids = {0};
    rev_list_ids(heads, &ids);
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&ids, ", ");
    belay_fail(err, BELAY_E_MULTIPLE_HEADS,
        "Multiple heads are present; please specify the head revision on which the new revision should be "
        "based, or perform a merge.");
    return belay_error_detail(err, "heads: %s", joined);
}

static bool find_parents(
    const belay_graph *graph, const belay_new_revision *wanted, rev_list *ret, belay_error *err)
{
    size_t count = wanted->parents.count;
    for (size_t i = 0; i < count || (count == 0 && i == 0); i++) {
        const char *name = count == 0 ? "head" : wanted->parents.items[i];
        if (graph_get_many(graph, name, ret, err))
            continue;
        if (err == NULL || err->code != BELAY_E_MULTIPLE_HEADS)
            return false;
        rev_list heads = {.items = graph->heads, .count = graph->head_count};
        return fail_heads(&heads, err);
    }
    for (size_t i = 0; i < ret->count; i++) {
        const belay_revision *parent = ret->items[i];
        if (parent == NULL || parent == &graph_base)
            return belay_fail(err, BELAY_E_USAGE, "a parent lies below the first revision");
        if (!wanted->splice && !parent->is_head) {
            belay_fail(err, BELAY_E_USAGE,
                "Revision %s is not a head revision; please specify --splice to create a new branch from "
                "this revision",
                parent->id);
            return belay_error_hint(err, "`belay heads` lists the heads");
        }
        for (size_t j = 0; j < i; j++) {
            if (ret->items[j] == parent)
                return belay_fail(err, BELAY_E_USAGE, "Duplicate head revisions specified");
        }
    }
    return true;
}

/* Labels stay as they are, partial identifiers become whole ones. */
static bool find_dependencies(
    const belay_graph *graph, const belay_new_revision *wanted, belay_list *ret, belay_error *err)
{
    for (size_t i = 0; i < wanted->depends_on.count; i++) {
        const char *name = wanted->depends_on.items[i];
        const belay_revision *found = NULL;
        if (!graph_get_one(graph, name, &found, err))
            return false;
        if (found == NULL)
            return belay_fail(err, BELAY_E_USAGE, "a revision cannot depend on the base");
        bool label = graph_lookup(graph, name) != NULL;
        belay_list_add(ret, label ? name : found->id);
    }
    return true;
}

typedef struct draft {
    const char *id, *message, *date;
    char *parents, *labels, *depends;
    bool merge;
} draft;

static void draft_done_p(draft *d)
{
    belay_free(d->parents);
    belay_free(d->labels);
    belay_free(d->depends);
}

static void write_text(const draft *d, belay_str *to)
{
    belay_str_append(to, "-- ");
    for (const char *at = d->message; *at != '\0'; at++)
        belay_str_append_char(to, (unsigned char)*at < 0x20 ? ' ' : *at);
    belay_str_appendf(to,
        "\n--\n-- Revision ID: %s\n-- Revises: %s\n-- Create Date: %s\n-- Branch Labels: %s\n"
        "-- Depends On: %s\n-- Transaction: yes\n\n-- belay: upgrade\n\n\n-- belay: downgrade\n",
        d->id, d->parents, d->date, d->labels, d->depends);
    if (!d->merge)
        belay_str_append(to, "\n\n-- belay: verify\n\n");
}

static bool publish(const char *path, const char *folder, const belay_str *text, belay_error *err)
{
    if (belay_file_exists(path))
        return belay_fail(err, BELAY_E_USAGE, "%s exists already", path);
    if (!belay_write_file_durably(path, belay_str_text(text), text->length, belay_user_mode(0666), err))
        return false;
    BELAY_AUTO(belay_graph_free) belay_graph *check = NULL;
    if (belay_graph_load(folder, &check, err))
        return true;
    unlink(path);
    if (err != NULL)
        err->code = BELAY_E_USAGE;
    belay_error_prefix(err, "the new revision does not fit, no file was written");
    return belay_error_place(err, NULL, 0);
}

static bool write_draft(const belay_new_revision *wanted, draft *d, char **ret_path, belay_error *err)
{
    time_t now = time(NULL);
    struct tm utc;
    char date[40], stamp[24], slug[SLUG_MAX + 1];
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S+00:00", &utc);
    strftime(stamp, sizeof stamp, "%Y%m%d_%H%M", &utc);
    slug_of(d->message, slug);
    d->date = date;
    BELAY_AUTO(belay_str_done) belay_str text = BELAY_STR_INIT;
    write_text(d, &text);
    if (strchr(d->id, '/') != NULL)
        return belay_fail(
            err, BELAY_E_USAGE, "Character(s) '/' not allowed in revision identifier '%s'", d->id);
    BELAY_AUTO(belay_free)
    char *path =
        belay_format("%s/%s_%s%s%s.sql", wanted->folder, stamp, d->id, slug[0] == '\0' ? "" : "_", slug);
    if (!belay_str_check(&text, "migration", err) || !publish(path, wanted->folder, &text, err))
        return false;
    *ret_path = belay_take(path);
    return true;
}

bool belay_revision_create(
    const belay_graph *graph, const belay_new_revision *wanted, char **ret_path, belay_error *err)
{
    BELAY_AUTO(rev_list_done) rev_list parents = {0};
    BELAY_AUTO(belay_list_done) belay_list parent_ids = {0};
    BELAY_AUTO(belay_list_done) belay_list depends = {0};
    char id[ID_BYTES * 2 + 1];
    if (!find_parents(graph, wanted, &parents, err) || !find_dependencies(graph, wanted, &depends, err))
        return false;
    random_id(id);
    if (wanted->merge && parents.count < 2) {
        belay_fail(err, BELAY_E_USAGE, "a merge needs two heads or more, there is %zu", parents.count);
        return belay_error_hint(err, "`belay heads` lists the heads");
    }
    rev_list_ids(&parents, &parent_ids);
    BELAY_AUTO(draft_done)
    draft d = {.id = wanted->id == NULL ? id : wanted->id,
        .message = wanted->message == NULL ? "empty message" : wanted->message,
        .parents = belay_list_join(&parent_ids, ", "),
        .labels = belay_list_join(&wanted->labels, ", "),
        .depends = belay_list_join(&depends, ", "),
        .merge = wanted->merge};
    return write_draft(wanted, &d, ret_path, err);
}
