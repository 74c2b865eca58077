/* One migration file: its header (the leading comment block) and where its sections are. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/stat.h>

#include "revision/graph.h"
#include "revision/lexer.h"
#include "util/file.h"
#include "util/suggest.h"
#include "util/utf8.h"

enum { CHUNK_BYTES = 64 * 1024, KEY_MAX = 24, LABEL_MAX = 128 };

typedef enum header_key {
    KEY_ID,
    KEY_REVISES,
    KEY_DATE,
    KEY_LABELS,
    KEY_DEPENDS,
    KEY_TRANSACTION,
    KEY_COUNT
} header_key;
static const char *const key_names[KEY_COUNT] = {
    "Revision ID", "Revises", "Create Date", "Branch Labels", "Depends On", "Transaction"};
/* What people write instead; an unknown key that resembles one is never silently a comment. */
static const struct {
    const char *text;
    header_key key;
} misspellings[] = {{"revision", KEY_ID}, {"rev id", KEY_ID}, {"down revision", KEY_REVISES},
    {"down revisions", KEY_REVISES}, {"revise", KEY_REVISES}, {"parent", KEY_REVISES},
    {"parents", KEY_REVISES}, {"created", KEY_DATE}, {"branch label", KEY_LABELS}, {"labels", KEY_LABELS},
    {"depends", KEY_DEPENDS}, {"dependencies", KEY_DEPENDS}, {"dependson", KEY_DEPENDS},
    {"transactional", KEY_TRANSACTION}, {"transactions", KEY_TRANSACTION}};

typedef struct header {
    belay_arena *arena;
    graph_node *node;
    long lines[KEY_COUNT]; /* where each key stands; 0: nowhere */
    long line;
} header;

__attribute__((format(printf, 4, 5))) static bool fail_at(
    const graph_node *node, long line, belay_error *err, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    belay_fail(err, BELAY_E_MIGRATION_FILE, "%s", text);
    return belay_error_place(err, node->pub.path, line);
}

/* The known key that a text stands for or resembles; KEY_COUNT: none. */
static header_key known_key(belay_span text, bool *ret_exact)
{
    *ret_exact = true;
    for (header_key key = 0; key < KEY_COUNT; key++) {
        if (strlen(key_names[key]) == text.length && strncasecmp(text.data, key_names[key], text.length) == 0)
            return key;
    }
    *ret_exact = false;
    if (text.length > KEY_MAX)
        return KEY_COUNT;
    char plain[KEY_MAX + 1] = {0};
    for (size_t i = 0; i < text.length; i++)
        plain[i] = text.data[i] == '_' || text.data[i] == '-' ? ' ' : text.data[i];
    for (size_t i = 0; i < BELAY_COUNT(misspellings); i++) {
        if (strcasecmp(plain, misspellings[i].text) == 0)
            return misspellings[i].key;
    }
    for (header_key key = 0; key < KEY_COUNT; key++) {
        if (belay_edit_distance(plain, key_names[key]) <= 2)
            return key;
    }
    return KEY_COUNT;
}

static void split(const header *h, belay_span value, graph_words *ret)
{
    ret->items = belay_arena_alloc(h->arena, (value.length / 2 + 1) * sizeof *ret->items);
    ret->line = h->line;
    for (size_t at = 0; at < value.length;) {
        size_t length = 0;
        while (at + length < value.length && strchr(", \t", value.data[at + length]) == NULL)
            length++;
        if (length > 0)
            ret->items[ret->count++] = belay_arena_strndup(h->arena, value.data + at, length);
        at += length + 1;
    }
}

static bool check_id(const graph_node *node, const char *id, long line, belay_error *err)
{
    const char *illegal = strpbrk(id, "@-+:");
    if (illegal != NULL) {
        fail_at(node, line, err, "Character(s) '%c' not allowed in revision identifier '%s'", *illegal, id);
        return belay_error_hint(err, "identifiers have letters, digits and _; usual are 12 hex digits");
    }
    size_t length = 0;
    for (const char *c = id; *c != '\0'; c++)
        length += ((unsigned char)*c & 0xC0) != 0x80;
    if (length > BELAY_REVISION_ID_MAX) {
        fail_at(node, line, err, "revision identifier '%s' is %zu characters long", id, length);
        return belay_error_hint(err, "the version table holds %d characters at most", BELAY_REVISION_ID_MAX);
    }
    static const char *const reserved[] = {"head", "heads", "base", "current"};
    for (size_t i = 0; i < BELAY_COUNT(reserved); i++) {
        if (belay_equal(id, reserved[i])) {
            fail_at(node, line, err, "'%s' cannot be the name of a revision or branch", id);
            return belay_error_hint(err, "it has a meaning of its own on the command line; take another");
        }
    }
    return true;
}

static bool check_labels(const graph_node *node, belay_error *err)
{
    for (size_t i = 0; i < node->labels.count; i++) {
        const char *label = node->labels.items[i];
        if (strpbrk(label, "@+:") != NULL || strlen(label) > LABEL_MAX) {
            fail_at(node, node->labels.line, err, "'%s' is not a branch label", label);
            return belay_error_hint(err, "labels are without @ + : and at most %d bytes long", LABEL_MAX);
        }
        if (belay_equal(label, "head") || belay_equal(label, "heads") || belay_equal(label, "base") ||
            belay_equal(label, "current"))
            return check_id(node, label, node->labels.line, err);
    }
    return true;
}

static bool take_id(const header *h, belay_span value, belay_error *err)
{
    graph_words words = {0};
    split(h, value, &words);
    if (words.count != 1) {
        fail_at(h->node, h->line, err,
            words.count == 0 ? "\"Revision ID:\" is empty"
                             : "\"Revision ID:\" names more than one identifier");
        return belay_error_hint(err, "write one identifier, for example 12 hex digits");
    }
    h->node->pub.id = words.items[0];
    h->node->id_line = h->line;
    return check_id(h->node, words.items[0], h->line, err);
}

static bool take_transaction(const header *h, belay_span value, belay_error *err)
{
    bool yes = value.length == 3 && strncasecmp(value.data, "yes", 3) == 0;
    bool no = value.length == 2 && strncasecmp(value.data, "no", 2) == 0;
    if (!yes && !no && value.length > 0) {
        fail_at(h->node, h->line, err, "\"Transaction: %.*s\" is neither yes nor no",
            value.length < 40 ? (int)value.length : 40, value.data);
        return belay_error_hint(err, "write \"Transaction: no\" for CREATE INDEX CONCURRENTLY and the like, "
                                     "else yes");
    }
    h->node->pub.transaction = !no;
    return true;
}

static bool take_value(header *h, header_key key, belay_span value, belay_error *err)
{
    if (h->lines[key] != 0) {
        fail_at(
            h->node, h->line, err, "\"%s:\" stands twice, first in line %ld", key_names[key], h->lines[key]);
        return belay_error_hint(err, "keep one of the two lines (lists are split on commas)");
    }
    h->lines[key] = h->line;
    switch (key) {
    case KEY_ID:
        return take_id(h, value, err);
    case KEY_REVISES:
        split(h, value, &h->node->revises);
        return true;
    case KEY_DATE:
        h->node->pub.create_date = belay_arena_strndup(h->arena, value.data, value.length);
        return true;
    case KEY_LABELS:
        split(h, value, &h->node->labels);
        return check_labels(h->node, err);
    case KEY_DEPENDS:
        split(h, value, &h->node->depends_on);
        return true;
    case KEY_TRANSACTION:
    case KEY_COUNT:
        break;
    }
    return take_transaction(h, value, err);
}

/* One line of the block, without its dashes. */
static bool take_line(header *h, belay_span text, bool first, belay_error *err)
{
    text = belay_span_trim(text);
    const char *colon = text.length == 0 ? NULL : memchr(text.data, ':', text.length);
    bool exact = false;
    header_key key = KEY_COUNT;
    if (colon != NULL)
        key = known_key(belay_span_trim((belay_span){text.data, (size_t)(colon - text.data)}), &exact);
    if (key == KEY_COUNT || (first && !exact)) {
        if (first)
            h->node->pub.message = belay_arena_strndup(h->arena, text.data, text.length);
        return true;
    }
    if (!exact) {
        fail_at(
            h->node, h->line, err, "\"%.*s\" is not a header key", (int)(colon - text.data + 1), text.data);
        return belay_error_hint(err, "did you mean \"%s:\"?", key_names[key]);
    }
    belay_span value = {colon + 1, text.length - (size_t)(colon + 1 - text.data)};
    return take_value(h, key, belay_span_trim(value), err);
}

static bool read_header(header *h, const char *text, size_t length, belay_error *err)
{
    size_t at = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    bool begun = false;
    for (h->line = 1; at < length; h->line++) {
        const char *newline = memchr(text + at, '\n', length - at);
        size_t end = newline == NULL ? length : (size_t)(newline - text);
        belay_span line = belay_span_trim((belay_span){text + at, end - at});
        at = end + 1;
        if (line.length == 0 && !begun)
            continue;
        if (line.length < 2 || line.data[0] != '-' || line.data[1] != '-' ||
            (line.length >= 9 && memcmp(line.data, "-- belay:", 9) == 0))
            break;
        if (!take_line(h, (belay_span){line.data + 2, line.length - 2}, !begun, err))
            return false;
        begun = true;
    }
    if (h->node->pub.id == NULL) {
        fail_at(h->node, 1, err, "the file has no \"Revision ID:\" in its leading comment");
        return belay_error_hint(err,
            "begin it with a line like \"-- Revision ID: 3f2a9c1b7d10\" (`belay revision "
            "-m ...` writes such files); other SQL files belong elsewhere");
    }
    return true;
}

typedef struct sections {
    graph_node *node;
    belay_section *open;
    uint64_t marker; /* offset of the line of the last marker */
    long last_line;
} sections;

static bool open_section(sections *s, const belay_piece *marker, uint64_t size_bytes, belay_error *err)
{
    belay_revision *revision = &s->node->pub;
    const struct {
        const char *name;
        belay_section *section;
    } all[] = {
        {"upgrade", &revision->upgrade}, {"downgrade", &revision->downgrade}, {"verify", &revision->verify}};
    for (size_t i = 0; i < BELAY_COUNT(all); i++) {
        if (!belay_equal(marker->text, all[i].name))
            continue;
        if (all[i].section->present) {
            fail_at(s->node, marker->line, err, "section \"-- belay: %s\" stands twice, first in line %ld",
                marker->text, all[i].section->line - 1);
            return belay_error_hint(err, "join the two sections, or split the file into two revisions");
        }
        s->open = all[i].section;
        uint64_t behind = marker->end < size_bytes ? marker->end + 1 : marker->end; /* the newline */
        *s->open = (belay_section){.present = true, .offset = behind, .line = marker->line + 1};
        return true;
    }
    fail_at(s->node, marker->line, err, "there is no section \"%s\"", marker->text);
    return belay_error_hint(
        err, "sections are \"-- belay: upgrade\", \"-- belay: downgrade\" and \"-- belay: verify\"");
}

static bool take_piece(sections *s, const belay_piece *piece, uint64_t size_bytes, belay_error *err)
{
    s->last_line = piece->line;
    if (piece->kind == BELAY_PIECE_MARKER || piece->kind == BELAY_PIECE_END) {
        if (s->open != NULL)
            s->open->length =
                (piece->kind == BELAY_PIECE_MARKER ? piece->begin : piece->end) - s->open->offset;
        return piece->kind == BELAY_PIECE_END || open_section(s, piece, size_bytes, err);
    }
    if (s->open != NULL)
        return true;
    fail_at(s->node, piece->line, err, "SQL before the first section marker");
    return belay_error_hint(err, "put a line \"-- belay: upgrade\" (at the line's start) above it");
}

static bool find_sections(graph_node *node, belay_lexer *lexer, uint64_t size_bytes, belay_error *err)
{
    sections s = {.node = node};
    belay_piece piece = {0};
    do {
        if (!belay_lexer_next(lexer, &piece, err) || !take_piece(&s, &piece, size_bytes, err))
            return false;
    } while (piece.kind != BELAY_PIECE_END);
    if (node->pub.upgrade.present)
        return true;
    fail_at(node, s.last_line, err, "the file has no \"-- belay: upgrade\" section");
    return belay_error_hint(err,
        "add a line \"-- belay: upgrade\" at the line's start, and the SQL below it; an "
        "empty section does nothing");
}

/* What is no text is said as such, before anything is looked for in it. */
static bool check_text(const graph_node *node, const char *text, size_t length, bool whole, belay_error *err)
{
    belay_utf8 state = {0};
    const char *nul = memchr(text, '\0', length);
    size_t good = nul != NULL ? (size_t)(nul - text) : belay_utf8_check(&state, text, length);
    if (nul == NULL && good == length && whole && !belay_utf8_is_whole(&state))
        good = length - 1; /* the file ends within a character */
    if (nul == NULL && good == length)
        return true;
    long line = 1;
    for (size_t i = 0; i < good; i++)
        line += text[i] == '\n';
    if (nul != NULL) {
        fail_at(node, line, err, "the file has a NUL byte: it is not a text file");
        return belay_error_hint(
            err, "a migration is SQL text in UTF-8 (not UTF-16, not a dump in custom format)");
    }
    fail_at(node, line, err, "the file is not valid UTF-8: byte 0x%02x at offset %zu",
        (unsigned)(unsigned char)text[good], good);
    return belay_error_hint(err, BELAY_UTF8_HINT);
}

static bool read_open_file(belay_arena *arena, int fd, graph_node *node, belay_error *err)
{
    static _Thread_local char buffer[CHUNK_BYTES];
    ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0)
        return belay_fail_errno(err, errno, "cannot read %s", node->pub.path);
    if (got == 0) {
        fail_at(node, 0, err, "the file is empty");
        return belay_error_hint(err, "write the migration, or delete the file");
    }
    header h = {.arena = arena, .node = node};
    /* A short read of a file is its end; another call a file would show among thousands. */
    bool whole = (size_t)got < sizeof buffer;
    if (!check_text(node, buffer, (size_t)got, whole, err) || !read_header(&h, buffer, (size_t)got, err))
        return false;
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    const belay_lexer_options options = {.skim = true, .check_utf8 = !whole};
    struct stat status = {.st_size = got};
    if (!whole && fstat(fd, &status) != 0)
        return belay_fail_errno(err, errno, "cannot read %s", node->pub.path);
    return (whole ? belay_lexer_open_text(node->pub.path, buffer, (size_t)got, &options, &lexer, err)
                  : belay_lexer_open_file(node->pub.path, &options, &lexer, err)) &&
           find_sections(node, lexer, (uint64_t)status.st_size, err);
}

bool graph_read_file(
    belay_arena *arena, int folder_fd, const char *name, const char *path, graph_node *node, belay_error *err)
{
    node->pub.path = path;
    node->pub.message = node->pub.create_date = "";
    node->pub.transaction = true;
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return belay_fail_errno(err, errno, "cannot open %s", path);
    bool ok = read_open_file(arena, fd, node, err);
    close(fd);
    return ok;
}
