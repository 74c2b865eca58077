#include "util/json.h"

enum { DIGITS = 10 }; /* of a number with a fraction: seconds, mostly */

const char *belay_json_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

const char *belay_json_text_or(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = belay_json_text(object, key);
    return text == NULL ? otherwise : text;
}

/* Length of the UTF-8 character at `at`; 0 when there is none. */
static size_t character_at(const char *at)
{
    for (size_t length = 1; length <= 4 && strnlen(at, length) == length; length++) {
        BELAY_AUTO(belay_json_free) json_t *one = json_stringn(at, length);
        if (one != NULL)
            return length;
    }
    return 0;
}

json_t *belay_json_of_text(const char *text)
{
    json_t *whole = json_string(text);
    if (whole != NULL)
        return whole;
    BELAY_AUTO(belay_str_done) belay_str clean = BELAY_STR_INIT;
    for (const char *at = text; *at != '\0';) {
        size_t length = character_at(at);
        belay_str_append_n(&clean, length == 0 ? "?" : at, length == 0 ? 1 : length);
        at += length == 0 ? 1 : length;
    }
    return json_string(belay_str_text(&clean));
}

json_t *belay_json_of_texts(const char *const *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(items[i]));
    return array;
}

json_t *belay_json_of_list(const belay_list *list)
{
    return belay_json_of_texts((const char *const *)list->items, list->count);
}

void belay_json_to_list(const json_t *array, belay_list *ret)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text != NULL)
            belay_list_add(ret, text);
    }
}

char *belay_json_print(const json_t *json)
{
    return json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(DIGITS));
}
