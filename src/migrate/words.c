#include "migrate/words.h"

#include <string.h>
#include <strings.h>

static const char *skip_comment(const char *at)
{
    if (at[0] == '-')
        return at + strcspn(at, "\r\n");
    int depth = 0;
    do {
        if (at[0] == '/' && at[1] == '*')
            depth++, at++;
        else if (at[0] == '*' && at[1] == '/')
            depth--, at++;
        at++;
    } while (depth > 0 && *at != '\0');
    return at;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

bool belay_sql_token(const char **at, belay_span *ret)
{
    const char *from = *at;
    for (;;) {
        if (*from != '\0' && strchr(" \t\r\n\f\v", *from) != NULL)
            from++;
        else if ((from[0] == '-' && from[1] == '-') || (from[0] == '/' && from[1] == '*'))
            from = skip_comment(from);
        else
            break;
    }
    if (*from == '\0')
        return false;
    const char *to = from + 1;
    if (*from == '"') {
        while (*to != '\0' && (*to != '"' || to[1] == '"'))
            to += *to == '"' ? 2 : 1;
        to += *to == '"' ? 1 : 0;
    } else if (is_word(*from)) {
        while (is_word(*to))
            to++;
    }
    *ret = (belay_span){from, (size_t)(to - from)};
    *at = to;
    return true;
}

bool belay_sql_is(belay_span token, const char *keyword)
{
    return strlen(keyword) == token.length && strncasecmp(token.data, keyword, token.length) == 0;
}

static bool next_is(const char **at, const char *keyword)
{
    const char *from = *at;
    belay_span token;
    if (!belay_sql_token(&from, &token) || !belay_sql_is(token, keyword))
        return false;
    *at = from;
    return true;
}

static bool next_is_any(const char **at, const char *const *keywords, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (next_is(at, keywords[i]))
            return true;
    }
    return false;
}

bool belay_sql_controls_transaction(const char *sql)
{
    static const char *const always[] = {"begin", "commit", "end", "abort"};
    if (next_is_any(&sql, always, BELAY_COUNT(always)))
        return true;
    if (next_is(&sql, "start") || next_is(&sql, "prepare"))
        return next_is(&sql, "transaction");
    if (!next_is(&sql, "rollback"))
        return false;
    if (!next_is(&sql, "work"))
        next_is(&sql, "transaction");
    return !next_is(&sql, "to");
}

bool belay_sql_controls_savepoint(const char *sql)
{
    if (next_is(&sql, "savepoint") || next_is(&sql, "release"))
        return true;
    if (!next_is(&sql, "rollback"))
        return false;
    if (!next_is(&sql, "work"))
        next_is(&sql, "transaction");
    return next_is(&sql, "to");
}

bool belay_sql_sets_session(const char *sql)
{
    if (next_is(&sql, "reset"))
        return true;
    return next_is(&sql, "set") && !next_is(&sql, "local") && !next_is(&sql, "constraints") &&
           !next_is(&sql, "transaction");
}

bool belay_sql_sets_role(const char *sql)
{
    if (!next_is(&sql, "set"))
        return false;
    if (!next_is(&sql, "local"))
        next_is(&sql, "session");
    if (next_is(&sql, "role"))
        return true;
    next_is(&sql, "session");
    return next_is(&sql, "authorization");
}

bool belay_sql_is_atomic(const char *sql)
{
    static const char *const rows[] = {"insert", "update", "delete", "merge", "with", "copy", "truncate"};
    if (next_is_any(&sql, rows, BELAY_COUNT(rows)))
        return true;
    if (!next_is(&sql, "alter") || !next_is(&sql, "table"))
        return false;
    belay_span token;
    while (belay_sql_token(&sql, &token)) { /* DETACH PARTITION ... CONCURRENTLY, FINALIZE */
        if (belay_sql_is(token, "concurrently") || belay_sql_is(token, "finalize"))
            return false;
    }
    return true;
}

bool belay_sql_runs_code(const char *sql)
{
    static const char *const words[] = {"call", "do", "select", "execute", "explain", "values", "table", "("};
    return next_is_any(&sql, words, BELAY_COUNT(words));
}

/* A possibly qualified name, as written; NULL when there is none. */
static char *take_name(const char **at)
{
    const char *from = *at;
    belay_span token;
    belay_str name = BELAY_STR_INIT;
    while (belay_sql_token(&from, &token) && (*token.data == '"' || is_word(*token.data))) {
        belay_str_append_n(&name, token.data, token.length);
        *at = from;
        if (!next_is(at, "."))
            break;
        belay_str_append_char(&name, '.');
        from = *at;
    }
    return name.length == 0 ? NULL : belay_str_steal(&name);
}

void belay_sql_index_build(const char *sql, belay_index_build *ret)
{
    *ret = (belay_index_build){0};
    if (!next_is(&sql, "create"))
        return;
    next_is(&sql, "unique");
    if (!next_is(&sql, "index") || !next_is(&sql, "concurrently"))
        return;
    ret->concurrent = true;
    if (next_is(&sql, "if") && next_is(&sql, "not"))
        next_is(&sql, "exists");
    const char *before = sql;
    if (!next_is(&sql, "on")) {
        sql = before;
        ret->index = take_name(&sql);
        next_is(&sql, "on");
    }
    next_is(&sql, "only");
    ret->table = take_name(&sql);
}

/* "(VERBOSE, CONCURRENTLY FALSE)" */
static bool options_say_concurrently(const char **at)
{
    static const char *const no[] = {"false", "off", "0"};
    bool found = false;
    belay_span token;
    while (belay_sql_token(at, &token) && *token.data != ')') {
        if (belay_sql_is(token, "concurrently"))
            found = !next_is_any(at, no, BELAY_COUNT(no));
    }
    return found;
}

char *belay_sql_reindexed(const char *sql)
{
    if (!next_is(&sql, "reindex"))
        return NULL;
    bool concurrent = next_is(&sql, "(") && options_say_concurrently(&sql);
    if (!next_is(&sql, "index") && !next_is(&sql, "table"))
        return NULL;
    concurrent = next_is(&sql, "concurrently") || concurrent;
    return concurrent ? take_name(&sql) : NULL;
}

void belay_index_build_done(belay_index_build *build)
{
    free(build->index);
    free(build->table);
    *build = (belay_index_build){0};
}
