#include "config/shown.h"

#include "config/keys.h"

#define MASK "********"

/* postgresql://user:secret@host, sftp://user:secret@host: the part between the colon and the last @ of the
 * authority. */
static char *without_password(const char *text)
{
    const char *scheme = strstr(text, "://");
    const char *start = scheme == NULL ? NULL : scheme + 3;
    size_t authority = start == NULL ? 0 : strcspn(start, "/?#");
    const char *at = start == NULL ? NULL : memrchr(start, '@', authority);
    const char *colon = at == NULL ? NULL : memchr(start, ':', (size_t)(at - start));
    if (colon == NULL)
        return belay_strdup(text);
    return belay_format("%.*s" MASK "%s", (int)(colon + 1 - text), text, at);
}

static void put(json_t *keys, const char *name, const char *value)
{
    BELAY_AUTO(belay_free) char *shown = value == NULL ? NULL : without_password(value);
    json_object_set_new(keys, name, shown == NULL ? json_null() : json_string(shown));
}

json_t *belay_target_keys(const belay_target *target)
{
    json_t *keys = json_object();
    size_t count = 0;
    const belay_key *table = belay_keys(&count);
    for (size_t i = 0; i < count; i++) {
        const belay_key *key = &table[i];
        if (key->kind != BELAY_KEY_TARGET || belay_equal(key->name, "url"))
            continue;
        BELAY_AUTO(belay_free) char *text = NULL;
        const char *value = NULL;
        if (key->type == BELAY_TYPE_CONNECTION)
            value = belay_conninfo_get(&target->connection, key->name);
        else if (key->type != BELAY_TYPE_FILE)
            value = text = belay_key_text(key, target);
        put(keys, key->name, key->secret && value != NULL ? MASK : value);
    }
    for (size_t i = 0; i < target->connection.keywords.count; i++) {
        const char *keyword = target->connection.keywords.items[i];
        if (json_object_get(keys, keyword) == NULL)
            put(keys, keyword, belay_key_is_secret(keyword) ? MASK : target->connection.values.items[i]);
    }
    put(keys, "store_url", target->store_url);
    return keys;
}
