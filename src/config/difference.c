#include "config/difference.h"

#include "config/keys.h"

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : belay_equal(a, b);
}

static const char *login_difference(const belay_ssh_login *a, const belay_ssh_login *b)
{
    return !same(a->address, b->address)           ? "ssh"
           : !same(a->key, b->key)                 ? "ssh_key"
           : !same(a->passphrase, b->passphrase)   ? "ssh_passphrase"
           : !same(a->password, b->password)       ? "ssh_password"
           : !same(a->known_hosts, b->known_hosts) ? "ssh_known_hosts"
                                                   : NULL;
}

static const char *field_difference(const belay_target *a, const belay_target *b)
{
    size_t count = 0;
    const belay_key *keys = belay_keys(&count);
    for (size_t i = 0; i < count; i++) {
        if (keys[i].kind != BELAY_KEY_TARGET || keys[i].type == BELAY_TYPE_CONNECTION ||
            keys[i].type == BELAY_TYPE_FILE)
            continue;
        BELAY_AUTO(belay_free_secret) char *of_a = belay_key_text(&keys[i], a);
        BELAY_AUTO(belay_free_secret) char *of_b = belay_key_text(&keys[i], b);
        if (!same(of_a, of_b))
            return keys[i].name;
    }
    return NULL;
}

/* A keyword of `a` that `b` has not, or has another value of. */
static const char *connection_difference(const belay_conninfo *a, const belay_conninfo *b)
{
    for (size_t i = 0; i < a->keywords.count; i++) {
        if (!same(a->values.items[i], belay_conninfo_get(b, a->keywords.items[i])))
            return a->keywords.items[i];
    }
    return NULL;
}

static char *host_difference(const belay_target *a, const belay_target *b)
{
    for (size_t i = 0; i < a->host_count && i < b->host_count; i++) {
        const char *key = same(a->hosts[i].name, b->hosts[i].name)
                              ? login_difference(&a->hosts[i].ssh, &b->hosts[i].ssh)
                              : "its name";
        if (key != NULL)
            return belay_format("%s of [host.%s]", key, a->hosts[i].name);
    }
    return a->host_count == b->host_count ? NULL : belay_strdup("the number of its hosts");
}

char *belay_target_difference(const belay_target *a, const belay_target *b)
{
    const char *key = !same(a->name, b->name) ? "default_target" : NULL;
    if (key == NULL)
        key = field_difference(a, b);
    if (key == NULL)
        key = connection_difference(&a->connection, &b->connection);
    if (key == NULL)
        key = connection_difference(&b->connection, &a->connection);
    if (key == NULL && !same(a->store_url, b->store_url))
        key = "where its store is";
    if (key == NULL && !same(a->project_root, b->project_root))
        key = "the project's folder";
    if (key == NULL && !same(a->migrations, b->migrations))
        key = "migrations";
    if (key != NULL)
        return belay_strdup(key);
    key = login_difference(&a->store_login, &b->store_login);
    return key == NULL ? host_difference(a, b) : belay_format("%s of its store", key);
}
