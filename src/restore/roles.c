#include "restore/roles.h"

#include "restore/restore.sql.h"
#include "restore/sql_token.h"

/* Numbers of the tokens that name a role. */
typedef struct places {
    size_t *items;
    size_t count, capacity;
} places;

static void places_done_p(places *list)
{
    free(list->items);
}

static bool is_pseudo_role(const belay_tokens *tokens, size_t at)
{
    static const char *const words[] = {"PUBLIC", "CURRENT_USER", "CURRENT_ROLE", "SESSION_USER", "DEFAULT"};
    for (size_t i = 0; i < BELAY_COUNT(words); i++) {
        if (belay_token_is(tokens, at, words[i]))
            return true;
    }
    return false;
}

static void add_place(const belay_tokens *tokens, size_t at, places *ret)
{
    if (at >= tokens->count || is_pseudo_role(tokens, at))
        return;
    belay_token_kind kind = tokens->items[at].kind;
    if (kind == BELAY_TOKEN_NUMBER || kind == BELAY_TOKEN_SYMBOL)
        return;
    if (ret->count == ret->capacity) {
        ret->capacity = ret->capacity == 0 ? 8 : ret->capacity * 2;
        ret->items = belay_realloc_array(ret->items, ret->capacity, sizeof *ret->items);
    }
    ret->items[ret->count++] = at;
}

/* "[GROUP] a, b, c": the roles that begin at `at`. */
static void add_role_list(const belay_tokens *tokens, size_t at, places *ret)
{
    do {
        if (belay_token_is(tokens, at, "GROUP"))
            at++;
        add_place(tokens, at, ret);
        at += 2;
    } while (belay_token_is_symbol(tokens, at - 1, ','));
}

/* GRANT and REVOKE, from their first word on. */
static void find_in_grant(const belay_tokens *tokens, size_t from, places *ret)
{
    for (size_t i = from; i < tokens->count; i++) {
        if (belay_token_is(tokens, i, "TO") || belay_token_is(tokens, i, "FROM"))
            add_role_list(tokens, i + 1, ret);
        else if (belay_token_is(tokens, i, "GRANTED") && belay_token_is(tokens, i + 1, "BY"))
            add_place(tokens, i + 2, ret);
    }
}

static void find_in_default_privileges(const belay_tokens *tokens, places *ret)
{
    for (size_t i = 3; i < tokens->count; i++) {
        if (belay_token_is(tokens, i, "FOR") &&
            (belay_token_is(tokens, i + 1, "ROLE") || belay_token_is(tokens, i + 1, "USER")))
            add_role_list(tokens, i + 2, ret);
        if (belay_token_is(tokens, i, "GRANT") || belay_token_is(tokens, i, "REVOKE")) {
            find_in_grant(tokens, i, ret);
            return;
        }
    }
}

static void find_in_policy(const belay_tokens *tokens, places *ret)
{
    for (size_t i = 3; i < tokens->count; i++) {
        if (belay_token_is(tokens, i, "USING") || belay_token_is(tokens, i, "WITH"))
            return;
        if (belay_token_is(tokens, i, "TO")) {
            add_role_list(tokens, i + 1, ret);
            return;
        }
    }
}

/* ALTER ... OWNER TO role; */
static void find_owner(const belay_tokens *tokens, places *ret)
{
    size_t count = tokens->count;
    while (count > 0 && belay_token_is_symbol(tokens, count - 1, ';'))
        count--;
    if (count >= 3 && belay_token_is(tokens, count - 3, "OWNER") && belay_token_is(tokens, count - 2, "TO"))
        add_place(tokens, count - 1, ret);
}

static void find_in_alter(const belay_tokens *tokens, places *ret)
{
    if (belay_token_is(tokens, 1, "DEFAULT") && belay_token_is(tokens, 2, "PRIVILEGES"))
        find_in_default_privileges(tokens, ret);
    find_owner(tokens, ret);
}

static void find_in_create(const belay_tokens *tokens, places *ret)
{
    if (belay_token_is(tokens, 1, "POLICY"))
        find_in_policy(tokens, ret);
    else if (belay_token_is(tokens, 1, "USER") && belay_token_is(tokens, 2, "MAPPING") &&
             belay_token_is(tokens, 3, "FOR"))
        add_place(tokens, 4, ret);
}

/* First words decide, so that long function bodies are not tokenized for nothing. */
static bool may_name_roles(const char *sql)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens head = {0};
    belay_tokens_read(sql, 2, &head);
    if (belay_token_is(&head, 0, "CREATE"))
        return belay_token_is(&head, 1, "POLICY") || belay_token_is(&head, 1, "USER");
    return belay_token_is(&head, 0, "ALTER") || belay_token_is(&head, 0, "GRANT") ||
           belay_token_is(&head, 0, "REVOKE") ||
           (belay_token_is(&head, 0, "SET") && belay_token_is(&head, 1, "SESSION"));
}

static void find_roles(const belay_tokens *tokens, places *ret)
{
    if (belay_token_is(tokens, 0, "ALTER"))
        find_in_alter(tokens, ret);
    else if (belay_token_is(tokens, 0, "CREATE"))
        find_in_create(tokens, ret);
    else if (belay_token_is(tokens, 0, "GRANT") || belay_token_is(tokens, 0, "REVOKE"))
        find_in_grant(tokens, 0, ret);
    else if (belay_token_is(tokens, 2, "AUTHORIZATION"))
        add_place(tokens, 3, ret);
}

static void collect(const char *sql, void (*find)(const belay_tokens *tokens, places *ret), belay_list *ret)
{
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    BELAY_AUTO(places_done) places found = {0};
    belay_tokens_read(sql, 0, &tokens);
    find(&tokens, &found);
    for (size_t i = 0; i < found.count; i++) {
        BELAY_AUTO(belay_free) char *name = belay_token_name(&tokens.items[found.items[i]]);
        if (name != NULL && !belay_list_has(ret, name))
            belay_list_add(ret, name);
    }
}

void belay_roles_collect(const char *sql, belay_list *ret)
{
    if (may_name_roles(sql))
        collect(sql, find_roles, ret);
}

void belay_roles_collect_owners(const char *sql, belay_list *ret)
{
    if (belay_starts_with(sql, "ALTER "))
        collect(sql, find_owner, ret);
}

const char *belay_roles_lookup(const char *name, const belay_list *map)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < map->count; i++) {
        const char *pair = map->items[i];
        if (strncmp(pair, name, length) == 0 && pair[length] == '=')
            return pair + length + 1;
    }
    return name;
}

static void append_mapped(belay_str *to, const belay_token *token, const belay_list *map)
{
    BELAY_AUTO(belay_free) char *name = belay_token_name(token);
    const char *mapped = name == NULL ? NULL : belay_roles_lookup(name, map);
    if (mapped == NULL || mapped == name) {
        belay_str_append_n(to, token->text, token->length);
        return;
    }
    BELAY_AUTO(belay_free)
    char *quoted =
        token->kind == BELAY_TOKEN_STRING ? belay_quote_literal(mapped) : belay_quote_ident(mapped);
    belay_str_append(to, quoted);
}

char *belay_roles_map(const char *sql, const belay_list *map)
{
    if (map == NULL || map->count == 0 || !may_name_roles(sql))
        return belay_strdup(sql);
    BELAY_AUTO(belay_tokens_done) belay_tokens tokens = {0};
    BELAY_AUTO(places_done) places found = {0};
    belay_tokens_read(sql, 0, &tokens);
    find_roles(&tokens, &found);
    belay_str mapped = BELAY_STR_MAX(SIZE_MAX / 2);
    const char *at = sql;
    for (size_t i = 0; i < found.count; i++) {
        const belay_token *token = &tokens.items[found.items[i]];
        belay_str_append_n(&mapped, at, (size_t)(token->text - at));
        append_mapped(&mapped, token, map);
        at = token->text + token->length;
    }
    belay_str_append(&mapped, at);
    return belay_str_steal(&mapped);
}

/* Where database-level state names roles: itself, and the members of two lists. */
static const struct {
    const char *list; /* NULL: the state itself */
    const char *key;
} state_roles[] = {{NULL, "owner"}, {"acl", "grantee"}, {"acl", "grantor"}, {"settings", "role"}};

/* PUBLIC and all roles are null. */
static void collect_member(const json_t *object, const char *key, belay_list *ret)
{
    const char *name = json_string_value(json_object_get(object, key));
    if (name != NULL && !belay_list_has(ret, name))
        belay_list_add(ret, name);
}

void belay_roles_collect_state(const json_t *state, belay_list *ret)
{
    for (size_t i = 0; i < BELAY_COUNT(state_roles); i++) {
        const json_t *list = state_roles[i].list == NULL ? NULL : json_object_get(state, state_roles[i].list);
        if (state_roles[i].list == NULL)
            collect_member(state, state_roles[i].key, ret);
        for (size_t m = 0; m < json_array_size(list); m++)
            collect_member(json_array_get(list, m), state_roles[i].key, ret);
    }
}

static void map_member(json_t *object, const char *key, const belay_list *map)
{
    const char *name = json_string_value(json_object_get(object, key));
    const char *mapped = name == NULL ? NULL : belay_roles_lookup(name, map);
    if (mapped != name)
        json_object_set_new(object, key, json_string(mapped));
}

json_t *belay_roles_map_state(const json_t *state, const belay_list *map)
{
    json_t *copy = json_deep_copy(state);
    for (size_t i = 0; map != NULL && i < BELAY_COUNT(state_roles); i++) {
        const json_t *list = state_roles[i].list == NULL ? NULL : json_object_get(copy, state_roles[i].list);
        if (state_roles[i].list == NULL)
            map_member(copy, state_roles[i].key, map);
        for (size_t m = 0; m < json_array_size(list); m++)
            map_member(json_array_get(list, m), state_roles[i].key, map);
    }
    return copy;
}

/* The snapshot's name of the role that became `mapped`. The caller frees. */
static char *unmapped(const char *mapped, const belay_list *map)
{
    for (size_t i = 0; map != NULL && i < map->count; i++) {
        const char *pair = map->items[i];
        const char *equals = strchr(pair, '=');
        if (equals != NULL && belay_equal(equals + 1, mapped))
            return belay_strndup(pair, (size_t)(equals - pair));
    }
    return belay_strdup(mapped);
}

bool belay_roles_require(belay_pg *pg, const belay_list *roles, const belay_list *map, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    BELAY_AUTO(belay_list_done) belay_list present = {0};
    BELAY_AUTO(belay_list_done) belay_list missing = {0};
    if (!belay_pg_query0(pg, sql_all_roles, &rows, err))
        return false;
    for (size_t i = 0; i < belay_rows_count(rows); i++)
        belay_list_add(&present, belay_rows_text(rows, i, 0));
    for (size_t i = 0; i < roles->count; i++) {
        if (!belay_list_has(&present, roles->items[i]))
            belay_list_add(&missing, roles->items[i]);
    }
    if (missing.count == 0)
        return true;
    BELAY_AUTO(belay_free) char *names = belay_list_join(&missing, ", ");
    BELAY_AUTO(belay_free) char *quoted = belay_quote_ident(missing.items[0]);
    BELAY_AUTO(belay_free) char *original = unmapped(missing.items[0], map);
    belay_fail(err, BELAY_E_PREFLIGHT, "the server lacks %zu role%s that the snapshot's objects name: %s",
        missing.count, missing.count == 1 ? "" : "s", names);
    return belay_error_hint(err,
        "add --create-roles, or CREATE ROLE %s; for each of them, or map them to roles that exist with "
        "`role_map = %s=...` in the target's section",
        quoted, original);
}
