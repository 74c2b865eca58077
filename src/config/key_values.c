/* Values of keys: text to field and back, by the key's type. */
#include "config/config_internal.h"
#include "config/keys.h"
#include "config/window.h"
#include "util/file.h"
#include "util/suggest.h"

static bool wrong(const belay_key *key, const char *value, const char *wanted, belay_error *err)
{
    if (key->secret)
        return belay_fail(err, BELAY_E_CONFIG, "%s takes %s", key->name, wanted);
    return belay_fail(err, BELAY_E_CONFIG, "%s takes %s, not \"%.200s\"", key->name, wanted, value);
}

static bool set_bool(const belay_key *key, const char *value, bool *field, belay_error *err)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < BELAY_COUNT(words); i++) {
        if (belay_equal(words[i], value)) {
            *field = i % 2 == 1;
            return true;
        }
    }
    return wrong(key, value, "yes or no", err);
}

static bool set_number(const belay_key *key, const char *value, int *field, belay_error *err)
{
    long long number = 0;
    if (belay_parse_int64(value, &number) && number >= key->least && number <= key->most) {
        *field = (int)number;
        return true;
    }
    BELAY_AUTO(belay_free)
    char *wanted = belay_format("a whole number from %lld to %lld", key->least, key->most);
    return wrong(key, value, wanted, err);
}

static bool set_duration(const belay_key *key, const char *value, int64_t *field, belay_error *err)
{
    long long ms = 0;
    if (!belay_parse_duration_ms(value, &ms))
        return wrong(key, value, "a duration, as 250ms, 5s, 2min, 1h or 7d", err);
    if (ms < key->least || ms > key->most)
        return wrong(key, value, ms > key->most ? "a shorter duration" : "a longer duration", err);
    *field = ms;
    return true;
}

static bool set_rate(const belay_key *key, const char *value, uint64_t *field, belay_error *err)
{
    return belay_parse_rate(value, field) || wrong(key, value, "bytes per second, as 500kB/s or 50MB/s", err);
}

/* Index of the word among the choices, -1 when it is none of them. */
static int choice_of(const belay_key *key, const char *word)
{
    BELAY_AUTO(belay_list_done) belay_list choices = {0};
    belay_list_split(&choices, key->choices, " ");
    for (size_t i = 0; i < choices.count; i++) {
        if (belay_equal(choices.items[i], word))
            return (int)i;
    }
    return -1;
}

static bool wrong_choice(const belay_key *key, const char *value, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list choices = {0};
    belay_list_split(&choices, key->choices, " ");
    BELAY_AUTO(belay_free) char *joined = belay_list_join(&choices, ", ");
    BELAY_AUTO(belay_free)
    char *wanted = belay_format("%s of %s", key->type == BELAY_TYPE_SET ? "one or several" : "one", joined);
    wrong(key, value, wanted, err);
    const char *nearest = belay_nearest(value, &choices);
    return nearest == NULL ? false : belay_error_hint(err, "did you mean %s?", nearest);
}

static bool set_choice(const belay_key *key, const char *value, void *field, belay_error *err)
{
    int index = choice_of(key, value);
    if (index < 0)
        return wrong_choice(key, value, err);
    *(unsigned *)field = (unsigned)index; /* enums of these choices are unsigned ints */
    return true;
}

static bool set_set(const belay_key *key, const char *value, unsigned *field, belay_error *err)
{
    BELAY_AUTO(belay_list_done) belay_list words = {0};
    belay_list_split(&words, value, ", \t\n");
    unsigned set = 0;
    for (size_t i = 0; i < words.count; i++) {
        int index = choice_of(key, words.items[i]);
        if (index < 0)
            return wrong_choice(key, words.items[i], err);
        set |= 1U << index;
    }
    if (set == 0)
        return wrong_choice(key, value, err);
    *field = set;
    return true;
}

/* Parts between commas and newlines, trimmed, without empty ones. */
static void split_trimmed(belay_list *to, const char *value)
{
    BELAY_AUTO(belay_list_done) belay_list parts = {0};
    belay_list_split(&parts, value, ",\n");
    for (size_t i = 0; i < parts.count; i++) {
        belay_span part = belay_span_trim(belay_span_of(parts.items[i]));
        if (part.length > 0)
            belay_list_add_owned(to, belay_strndup(part.data, part.length));
    }
}

static bool set_paths(const char *value, const char *root, belay_list *field)
{
    BELAY_AUTO(belay_list_done) belay_list parts = {0};
    split_trimmed(&parts, value);
    for (size_t i = 0; i < parts.count; i++)
        belay_list_add_owned(field, belay_config_file(root, parts.items[i]));
    return true;
}

/* "HOST:PATH"; what has a slash before its colon, or no name of a host, is a path here. */
static belay_log_file log_file_of(const char *text, const char *root)
{
    static const char name_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strspn(text, name_bytes);
    if (length > 0 && text[length] == ':' && text[length + 1] != '\0')
        return (belay_log_file){.host = belay_strndup(text, length), .path = belay_strdup(text + length + 1)};
    return (belay_log_file){.path = belay_config_file(root, text)};
}

static bool set_logs(const char *value, const char *root, belay_log_files *field)
{
    BELAY_AUTO(belay_list_done) belay_list parts = {0};
    split_trimmed(&parts, value);
    field->items = belay_realloc_array(field->items, field->count + parts.count, sizeof *field->items);
    for (size_t i = 0; i < parts.count; i++)
        field->items[field->count++] = log_file_of(parts.items[i], root);
    return true;
}

char *belay_config_file(const char *root, const char *value)
{
    const char *home = getenv("HOME");
    return belay_starts_with(value, "~/") && home != NULL && *home == '/' ? belay_path_join(home, value + 2)
                                                                          : belay_path_join(root, value);
}

static bool set_path(
    const belay_key *key, const char *value, const char *root, char **field, belay_error *err)
{
    if (*value == '\0' || strchr(value, '\n') != NULL)
        return wrong(key, value, "one path", err);
    free(*field);
    *field = belay_config_file(root, value);
    return true;
}

static bool set_words(const belay_key *key, const char *value, belay_list *field, belay_error *err)
{
    split_trimmed(field, value);
    for (size_t i = 0; i < field->count; i++) {
        if (strpbrk(field->items[i], " \t") != NULL && strpbrk(field->items[i], "/.") == NULL)
            return wrong(key, field->items[i], "words and paths, separated by commas or lines", err);
    }
    return true;
}

static bool set_renames(const belay_key *key, const char *value, belay_list *field, belay_error *err)
{
    split_trimmed(field, value);
    for (size_t i = 0; i < field->count; i++) {
        const char *equals = strchr(field->items[i], '=');
        if (equals == NULL || equals == field->items[i] || equals[1] == '\0' ||
            strchr(equals + 1, '=') != NULL)
            return wrong(key, field->items[i], "pairs of old=new, separated by commas", err);
    }
    return true;
}

static bool set_word(const belay_key *key, const char *value, char **field, belay_error *err)
{
    if (*value == '\0' || value[strcspn(value, " \t\n")] != '\0')
        return wrong(key, value, "one word without spaces", err);
    free(*field);
    *field = belay_strdup(value);
    return true;
}

static bool set_windows(const char *value, char **field, belay_error *err)
{
    belay_windows windows;
    if (!belay_windows_parse(value, &windows, err))
        return false;
    free(*field);
    *field = belay_strdup(value);
    return true;
}

bool belay_key_set(const belay_key *key, const char *value, belay_target *target, belay_error *err)
{
    void *field = (char *)target + key->offset;
    switch (key->type) {
    case BELAY_TYPE_BOOL:
        return set_bool(key, value, field, err);
    case BELAY_TYPE_NUMBER:
        return set_number(key, value, field, err);
    case BELAY_TYPE_DURATION:
        return set_duration(key, value, field, err);
    case BELAY_TYPE_RATE:
        return set_rate(key, value, field, err);
    case BELAY_TYPE_CHOICE:
        return set_choice(key, value, field, err);
    case BELAY_TYPE_SET:
        return set_set(key, value, field, err);
    case BELAY_TYPE_PATH:
        return set_path(key, value, target->project_root, field, err);
    case BELAY_TYPE_PATHS:
        return set_paths(value, target->project_root, field);
    case BELAY_TYPE_LOGS:
        return set_logs(value, target->project_root, field);
    case BELAY_TYPE_WORDS:
        return set_words(key, value, field, err);
    case BELAY_TYPE_RENAMES:
        return set_renames(key, value, field, err);
    case BELAY_TYPE_TEXT:
        *(char **)field = *value == '\0' ? NULL : belay_strdup(value);
        return *value != '\0' || belay_fail(err, BELAY_E_CONFIG, "%s is empty", key->name);
    case BELAY_TYPE_WORD:
        return set_word(key, value, field, err);
    case BELAY_TYPE_WINDOWS:
        return set_windows(value, field, err);
    case BELAY_TYPE_COMMAND:
        ((belay_host_command *)field)->command = *value == '\0' ? NULL : belay_strdup(value);
        return true;
    case BELAY_TYPE_HOSTS:
        split_trimmed(&((belay_host_command *)field)->hosts, value);
        return true;
    case BELAY_TYPE_CONNECTION:
    case BELAY_TYPE_FILE:
        break;
    }
    return belay_fail(err, BELAY_E_INTERNAL, "key %s has no field", key->name);
}

static char *duration_text(int64_t ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}};
    for (size_t i = 0; i < BELAY_COUNT(units) && ms > 0; i++) {
        if (ms % units[i].ms == 0)
            return belay_format("%lld%s", (long long)(ms / units[i].ms), units[i].unit);
    }
    return belay_format(ms == 0 ? "%lld" : "%lldms", (long long)ms);
}

static char *rate_text(uint64_t bytes_per_s)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    for (; bytes_per_s > 0 && bytes_per_s % 1024 == 0 && unit + 1 < BELAY_COUNT(units); unit++)
        bytes_per_s /= 1024;
    return bytes_per_s == 0 ? belay_strdup("0")
                            : belay_format("%llu%s/s", (unsigned long long)bytes_per_s, units[unit]);
}

static char *set_text(const belay_key *key, unsigned set)
{
    BELAY_AUTO(belay_list_done) belay_list choices = {0};
    BELAY_AUTO(belay_list_done) belay_list chosen = {0};
    belay_list_split(&choices, key->choices, " ");
    for (size_t i = 0; i < choices.count; i++) {
        bool in = key->type == BELAY_TYPE_SET ? (set & (1U << i)) != 0 : set == i;
        if (in)
            belay_list_add(&chosen, choices.items[i]);
    }
    return belay_list_join(&chosen, ", ");
}

static char *list_text(const belay_list *list)
{
    return list->count == 0 ? NULL : belay_list_join(list, ", ");
}

static char *logs_text(const belay_log_files *logs)
{
    BELAY_AUTO(belay_list_done) belay_list texts = {0};
    for (size_t i = 0; i < logs->count; i++) {
        const belay_log_file *one = &logs->items[i];
        belay_list_add_owned(&texts,
            one->host == NULL ? belay_strdup(one->path) : belay_format("%s:%s", one->host, one->path));
    }
    return list_text(&texts);
}

char *belay_key_text(const belay_key *key, const belay_target *target)
{
    const void *field = (const char *)target + key->offset;
    const char *text = NULL;
    switch (key->type) {
    case BELAY_TYPE_BOOL:
        return belay_strdup(*(const bool *)field ? "yes" : "no");
    case BELAY_TYPE_NUMBER:
        return belay_format("%d", *(const int *)field);
    case BELAY_TYPE_DURATION:
        return duration_text(*(const int64_t *)field);
    case BELAY_TYPE_RATE:
        return rate_text(*(const uint64_t *)field);
    case BELAY_TYPE_CHOICE:
    case BELAY_TYPE_SET:
        return set_text(key, *(const unsigned *)field);
    case BELAY_TYPE_PATHS:
    case BELAY_TYPE_WORDS:
    case BELAY_TYPE_RENAMES:
        return list_text(field);
    case BELAY_TYPE_LOGS:
        return logs_text(field);
    case BELAY_TYPE_HOSTS:
        return list_text(&((const belay_host_command *)field)->hosts);
    case BELAY_TYPE_COMMAND:
        text = ((const belay_host_command *)field)->command;
        break;
    case BELAY_TYPE_TEXT:
    case BELAY_TYPE_WORD:
    case BELAY_TYPE_PATH:
    case BELAY_TYPE_WINDOWS:
        text = *(char *const *)field;
        break;
    case BELAY_TYPE_CONNECTION:
    case BELAY_TYPE_FILE:
        break;
    }
    return text == NULL ? NULL : belay_strdup(text);
}
