#include "pg/schema_text.h"

#include <ctype.h>

enum { DEPTH_MAX = 2000 };

/* One token of a level: a word, a group in parentheses, or other text. */
typedef struct item {
    char *text; /* a group's without its parentheses */
    bool group;
    char connective; /* of a group: 'A' for AND, 'O' for OR at its top level, 0 for neither */
} item;

typedef struct level {
    item *items;
    size_t count, capacity;
} level;

static void add_item(level *l, char *text, bool group, char connective)
{
    if (l->count == l->capacity) {
        l->capacity = l->capacity == 0 ? 16 : l->capacity * 2;
        l->items = belay_realloc_array(l->items, l->capacity, sizeof *l->items);
    }
    l->items[l->count++] = (item){text, group, connective};
}

static void level_done(level *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i].text);
    free(l->items);
}
static void level_done_p(level *l)
{
    level_done(l);
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80) != 0;
}

/* Length of the quoted thing at p ('...', E'...' when escapes, "...", $tag$...$tag$), 0 when there is none.
 */
static size_t quoted_length(const char *p, bool escapes)
{
    if (*p == '\'' || *p == '"') {
        const char *q = p + 1;
        for (; *q != '\0'; q++) {
            if (*q == '\\' && escapes && *p == '\'' && q[1] != '\0')
                q++;
            else if (*q == *p && q[1] == *p)
                q++;
            else if (*q == *p)
                return (size_t)(q + 1 - p);
        }
        return (size_t)(q - p);
    }
    if (*p != '$')
        return 0;
    size_t tag = 1;
    while (is_word_char(p[tag]))
        tag++;
    if (p[tag] != '$' || isdigit((unsigned char)p[1]))
        return 0;
    BELAY_AUTO(belay_free) char *delimiter = belay_strndup(p, tag + 1);
    const char *end = strstr(p + tag + 1, delimiter);
    return end == NULL ? strlen(p) : (size_t)(end - p) + tag + 1;
}

/* Length of "::type[]" at p without the "[]", 0 when that is not what follows. */
static size_t array_cast_length(const char *p)
{
    if (p[0] != ':' || p[1] != ':')
        return 0;
    size_t at = 2;
    while (p[at] != '\0' && !(p[at] == '[' && p[at + 1] == ']')) {
        size_t quoted = p[at] == '"' ? quoted_length(p + at, false) : 0;
        if (quoted == 0 && !is_word_char(p[at]) && strchr(" .(,", p[at]) == NULL &&
            !(p[at] == ')' && isdigit((unsigned char)p[at - 1])))
            return 0;
        at += quoted > 0 ? quoted : 1;
    }
    return p[at] == '\0' ? 0 : at;
}

/* ARRAY[a, b] and a cast of all of it becomes ARRAY[(a)::type, (b)::type]; NULL when inner is no such array.
 */
static char *push_cast_down(const char *inner, const char *cast, size_t cast_length)
{
    size_t length = strlen(inner);
    if (!belay_starts_with(inner, "ARRAY[") || inner[length - 1] != ']')
        return NULL;
    belay_str to = BELAY_STR_INIT;
    belay_str_append(&to, "ARRAY[(");
    int depth = 0;
    for (size_t at = 6; at + 1 < length;) {
        size_t quoted = quoted_length(inner + at, at > 0 && inner[at - 1] == 'E');
        size_t take = quoted > 0 ? quoted : 1;
        char c = quoted > 0 ? 'q' : inner[at];
        depth += (c == '(' || c == '[') - (c == ')' || c == ']');
        if (depth < 0) { /* the bracket closed before the end: not one array */
            belay_str_done(&to);
            return NULL;
        }
        if (c == ',' && depth == 0) {
            belay_str_append(&to, ")");
            belay_str_append_n(&to, cast, cast_length);
            belay_str_append(&to, ", (");
            take += inner[at + 1] == ' ';
        } else {
            belay_str_append_n(&to, inner + at, take);
        }
        at += take;
    }
    belay_str_append(&to, ")");
    belay_str_append_n(&to, cast, cast_length);
    belay_str_append(&to, "]");
    return belay_str_steal(&to);
}

static const item *neighbour(const level *l, size_t at, int step)
{
    for (size_t i = at + (size_t)step; i < l->count; i += (size_t)step) {
        if (strspn(l->items[i].text, " \n\t") != strlen(l->items[i].text) || l->items[i].group)
            return &l->items[i];
    }
    return NULL;
}

static char connective_of(const item *word)
{
    if (word == NULL || word->group)
        return 0;
    return belay_equal(word->text, "AND") ? 'A' : belay_equal(word->text, "OR") ? 'O' : 0;
}

/* (x AND y) as an operand of AND needs no parentheses. */
static bool is_flat(const level *l, size_t at)
{
    const item *before = neighbour(l, at, -1);
    const item *after = neighbour(l, at, 1);
    char wanted = l->items[at].connective;
    if (wanted == 0 || (before == NULL && after == NULL))
        return false;
    return (before == NULL || connective_of(before) == wanted) &&
           (after == NULL || connective_of(after) == wanted);
}

static char *emit(const level *l, char *ret_connective)
{
    belay_str to = BELAY_STR_INIT;
    char found = 0;
    for (size_t i = 0; i < l->count; i++) {
        bool bare = !l->items[i].group || is_flat(l, i);
        char own = connective_of(&l->items[i]);
        found = own == 0 ? found : found == 0 || found == own ? own : 'X';
        if (!bare)
            belay_str_append_char(&to, '(');
        belay_str_append(&to, l->items[i].text);
        if (!bare)
            belay_str_append_char(&to, ')');
    }
    *ret_connective = found == 'X' ? 0 : found;
    return belay_str_steal(&to);
}

static char *parse(const char **p, int depth, char *ret_connective);

static void parse_group(level *l, const char **p, int depth)
{
    char connective = 0;
    ++*p;
    char *inner = parse(p, depth + 1, &connective);
    if (**p == ')')
        ++*p;
    size_t cast = array_cast_length(*p);
    char *pushed = cast > 0 ? push_cast_down(inner, *p, cast) : NULL;
    if (pushed != NULL) {
        *p += cast + 2;
        free(inner);
        add_item(l, pushed, false, 0);
        return;
    }
    add_item(l, inner, true, connective);
}

/* One level: up to its closing parenthesis or the end. */
static char *parse(const char **p, int depth, char *ret_connective)
{
    BELAY_AUTO(level_done) level l = {0};
    while (**p != '\0' && (**p != ')' || depth == 0)) {
        const char *start = *p;
        size_t quoted = quoted_length(start, false);
        if (start[0] == 'E' && start[1] == '\'') {
            *p += 1 + quoted_length(start + 1, true);
        } else if (quoted > 0) {
            *p += quoted;
        } else if (*start == '(' && depth < DEPTH_MAX) {
            parse_group(&l, p, depth);
            continue;
        } else if (is_word_char(*start)) {
            while (is_word_char(**p))
                ++*p;
        } else {
            ++*p;
        }
        add_item(&l, belay_strndup(start, (size_t)(*p - start)), false, 0);
    }
    return emit(&l, ret_connective);
}

char *belay_schema_text(const char *definition)
{
    char connective = 0;
    return parse(&definition, 0, &connective);
}
