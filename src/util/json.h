/* JSON: the little that jansson leaves to each caller.
 *
 *     BELAY_AUTO(belay_json_free) json_t *list = belay_json_of_list(&revisions);
 *     BELAY_AUTO(belay_free) char *text = belay_json_print(list);
 *
 * What is returned as json_t * is a new reference. Nothing here fails: small allocations end the process
 * (util/mem.h). Thread-safe as far as no two threads change one value.
 */
#ifndef BELAY_UTIL_JSON_H
#define BELAY_UTIL_JSON_H

#include <jansson.h>

#include "util/mem.h"
#include "util/str.h"

static inline void belay_json_free(json_t *json)
{
    json_decref(json);
}
BELAY_DEFINE_AUTO(json_t, belay_json_free)

/* Text of a key, borrowed; NULL when there is none. */
const char *belay_json_text(const json_t *object, const char *key);
const char *belay_json_text_or(const json_t *object, const char *key, const char *otherwise);
/* Bytes that are not UTF-8, such as those of a file's name, become '?': jansson would make nothing of the
 * whole text. */
json_t *belay_json_of_text(const char *text);
/* ["a", "b"] */
json_t *belay_json_of_texts(const char *const *items, size_t count);
json_t *belay_json_of_list(const belay_list *list);
/* The texts of an array behind what the list has; other items are passed over. */
void belay_json_to_list(const json_t *array, belay_list *ret);
/* As people read it: indented, keys in their order, 0.447 and not 0.44700000000000001. The caller frees. */
char *belay_json_print(const json_t *json);

#endif
