/* Takes pg_restore's text apart at the comments that it writes before each object:
 *
 *     --
 *     -- TOC entry 215 (class 1259 OID 16385)
 *     -- Dependencies: 5 210
 *     -- Name: accounts; Type: TABLE; Schema: public; Owner: bank
 *     -- Data Pos: 0
 *     --
 */
#include <ctype.h>

#include "revision/lexer.h"
#include "snapshot/dump.h"

typedef struct splitter {
    const char *text;
    const char *section;
    belay_str *to;
    json_t *entries;
    json_t *entry; /* the open one, borrowed from entries */
    size_t copied; /* of text */
    size_t dash;   /* where the last bare "--" line began, to cut entries there */
    bool have_dash;
    bool have_name; /* the last line was the entry's name */
} splitter;

/* Copies text up to `end`. */
static void copy_to(splitter *s, size_t end)
{
    if (end > s->copied)
        belay_str_append_n(s->to, s->text + s->copied, end - s->copied);
    if (end > s->copied)
        s->copied = end;
}

static void close_entry(splitter *s)
{
    if (s->entry == NULL)
        return;
    json_int_t start = json_integer_value(json_object_get(s->entry, "start"));
    json_object_set_new(s->entry, "length", json_integer((json_int_t)s->to->length - start));
    s->entry = NULL;
}

static void open_entry(splitter *s, const char *comment, size_t begin)
{
    copy_to(s, begin);
    close_entry(s);
    s->entry = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:[], s:I, s:I}", "id",
        (json_int_t)strtoll(comment + strlen("-- TOC entry "), NULL, 10), "section", s->section, "type", "",
        "schema", "", "name", "", "owner", "", "depends", "start", (json_int_t)s->to->length, "length",
        (json_int_t)0);
    json_array_append_new(s->entries, s->entry);
}

static void take_dependencies(splitter *s, const char *numbers)
{
    json_t *depends = json_object_get(s->entry, "depends");
    char *end = NULL;
    for (;;) {
        long long id = strtoll(numbers, &end, 10);
        if (end == numbers)
            return;
        json_array_append_new(depends, json_integer(id));
        numbers = end;
    }
}

static void set_text(json_t *entry, const char *key, const char *from, const char *end)
{
    size_t length = (size_t)(end - from);
    bool none = length == 1 && *from == '-';
    json_object_set_new(entry, key, none ? json_string("") : json_stringn_nocheck(from, length));
}

/* "accounts; Type: TABLE; Schema: public; Owner: bank[; Tablespace: t]". A name may hold any of it: the type
 * is the first one that is all capitals and has a schema behind it. */
static void take_name(splitter *s, const char *name)
{
    for (const char *type = name; (type = strstr(type, "; Type: ")) != NULL; type++) {
        const char *word = type + strlen("; Type: ");
        size_t length = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ");
        if (length == 0 || !belay_starts_with(word + length, "; Schema: "))
            continue;
        const char *schema = word + length + strlen("; Schema: ");
        const char *owner = strstr(schema, "; Owner:");
        if (owner == NULL)
            continue;
        const char *owner_name = owner + strlen("; Owner:");
        owner_name += *owner_name == ' '; /* the lexer drops the blank before an empty owner */
        const char *tablespace = strstr(owner_name, "; Tablespace: ");
        set_text(s->entry, "name", name, type);
        set_text(s->entry, "type", word, word + length);
        set_text(s->entry, "schema", schema, owner);
        set_text(
            s->entry, "owner", owner_name, tablespace == NULL ? owner_name + strlen(owner_name) : tablespace);
        return;
    }
}

/* With its newline, where it has one. */
static void leave_out_line(splitter *s, const belay_piece *piece)
{
    copy_to(s, piece->offset);
    s->copied = piece->offset + piece->length;
    if (piece->length > 0 && s->text[s->copied - 1] != '\n' && s->text[s->copied] == '\n')
        s->copied++;
}

static void take_comment(splitter *s, const belay_piece *piece)
{
    bool had_name = s->have_name;
    s->have_name = false;
    belay_span line = belay_span_trim((belay_span){piece->text, piece->length});
    BELAY_AUTO(belay_free) char *text = belay_strndup(line.data, line.length);
    if (belay_equal(text, "--")) {
        s->dash = piece->offset;
        s->have_dash = true;
        return;
    }
    if (belay_starts_with(text, "-- TOC entry ") && isdigit((unsigned char)text[13]))
        open_entry(s, text, s->have_dash ? s->dash : piece->offset);
    else if (s->entry != NULL && belay_starts_with(text, "-- Dependencies: "))
        take_dependencies(s, text + strlen("-- Dependencies: "));
    else if (s->entry != NULL && belay_starts_with(text, "-- Name: ") &&
             json_string_length(json_object_get(s->entry, "type")) == 0) {
        take_name(s, text + strlen("-- Name: "));
        s->have_name = true;
    } else if (had_name && belay_starts_with(text, "-- Data Pos: "))
        leave_out_line(s, piece);
    s->have_dash = false;
}

/* A newer pg_dump sets what an older server refuses as unknown. */
static bool is_too_new(const belay_piece *piece, int server_version)
{
    static const struct {
        const char *statement;
        int since;
    } settings[] = {{"SET transaction_timeout ", 170000}};
    for (size_t i = 0; i < BELAY_COUNT(settings); i++) {
        size_t length = strlen(settings[i].statement);
        if (server_version < settings[i].since && piece->length > length &&
            memcmp(piece->text, settings[i].statement, length) == 0)
            return true;
    }
    return false;
}

bool belay_dump_split(const char *text, size_t length, const char *section, int server_version, belay_str *to,
    json_t *entries, belay_error *err)
{
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    belay_lexer_options options = {.comments = true};
    if (!belay_lexer_open_text("pg_restore", text, length, &options, &lexer, err))
        return false;
    splitter s = {.text = text, .section = section, .to = to, .entries = entries};
    to->max = BELAY_DUMP_MAX_BYTES;
    belay_piece piece = {0};
    for (;;) {
        if (!belay_lexer_next(lexer, &piece, err))
            return belay_error_prefix(err, "cannot read pg_restore's output");
        if (piece.kind == BELAY_PIECE_END)
            break;
        if (piece.kind == BELAY_PIECE_COMMENT) {
            take_comment(&s, &piece);
            continue;
        }
        s.have_dash = false;
        if (piece.kind == BELAY_PIECE_META ||
            (piece.kind == BELAY_PIECE_STATEMENT && s.entry == NULL && is_too_new(&piece, server_version))) {
            copy_to(&s, piece.offset);
            s.copied = piece.kind == BELAY_PIECE_META ? piece.offset + piece.length : (size_t)piece.end;
        } else if (piece.kind != BELAY_PIECE_STATEMENT && piece.kind != BELAY_PIECE_MARKER) {
            return belay_fail(err, BELAY_E_INTERNAL, "pg_restore wrote rows into a schema section");
        }
    }
    copy_to(&s, length);
    close_entry(&s);
    return belay_str_check(to, "pg_restore's output", err);
}
