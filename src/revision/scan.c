#include "revision/scan.h"

#include <ctype.h>
#include <strings.h>

static const char *const section_names[] = {"upgrade", "downgrade", "verify"};

void scan_init(scan *s)
{
    memset(s, 0, sizeof *s);
    s->line = 1;
}

__attribute__((format(printf, 4, 5))) static bool fail(
    const scan *s, long line, belay_error *err, const char *format, ...)
{
    (void)s;
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    belay_fail(err, BELAY_E_MIGRATION_FILE, "%s", text);
    return belay_error_place(err, NULL, line);
}

/* UTF-8 without overlong forms, surrogates and what lies above U+10FFFF. */
static bool take_utf8(scan *s, unsigned char c, belay_error *err)
{
    if (s->utf8_left > 0) {
        if (c < s->utf8_low || c > s->utf8_high)
            goto invalid;
        s->utf8_left--;
        s->utf8_low = 0x80;
        s->utf8_high = 0xBF;
        return true;
    }
    s->utf8_low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    s->utf8_high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (c >= 0xC2 && c <= 0xDF)
        s->utf8_left = 1;
    else if (c >= 0xE0 && c <= 0xEF)
        s->utf8_left = 2;
    else if (c >= 0xF0 && c <= 0xF4)
        s->utf8_left = 3;
    else
        goto invalid;
    return true;
invalid:
    fail(s, s->line, err, "the file is not valid UTF-8: byte 0x%02x at offset %llu", c,
        (unsigned long long)s->offset);
    return belay_error_hint(err, "save the file as UTF-8 (for example: iconv -f LATIN1 -t UTF-8)");
}

static void end_statement(scan *s)
{
    s->statement_begun = s->copy = s->copy_from = s->copy_stdin = false;
    s->parens = 0;
}

static void end_word(scan *s)
{
    if (s->word_length == 0)
        return;
    belay_span word = {s->word, s->word_length};
    bool outside = s->parens == 0;
    if (!s->statement_begun)
        s->copy = belay_span_equals(word, "COPY");
    else if (s->copy && outside && s->copy_from && belay_span_equals(word, "STDIN"))
        s->copy_stdin = true;
    s->copy_from = outside && belay_span_equals(word, "FROM");
    s->statement_begun = true;
    s->word_length = 0;
}

/* "-- belay: word" at column 0, blanks as the lexer allows them; the newline of its line is the byte at
 * s->offset. */
static bool take_marker(scan *s, belay_error *err)
{
    s->comment[s->comment_length] = '\0';
    belay_span text = belay_span_trim((belay_span){s->comment + 2, s->comment_length - 2});
    static const char prefix[] = "belay:";
    if (text.length < sizeof prefix - 1 || memcmp(text.data, prefix, sizeof prefix - 1) != 0)
        return true;
    belay_span word =
        belay_span_trim((belay_span){text.data + sizeof prefix - 1, text.length - (sizeof prefix - 1)});
    for (size_t i = 0; i < BELAY_COUNT(section_names); i++) {
        if (!belay_span_equals(word, section_names[i]))
            continue;
        if (s->sections[i].present) {
            fail(s, s->line, err, "section \"-- belay: %s\" stands twice, first in line %ld",
                section_names[i], s->sections[i].line - 1);
            return belay_error_hint(err, "join the two sections, or split the file into two revisions");
        }
        if (s->open != NULL)
            s->open->length = s->line_offset - s->open->offset;
        s->open = &s->sections[i];
        *s->open = (belay_section){.present = true, .offset = s->offset + 1, .line = s->line + 1};
        end_statement(s);
        return true;
    }
    fail(s, s->line, err, "there is no section \"%.*s\"", (int)word.length, word.data);
    return belay_error_hint(
        err, "sections are \"-- belay: upgrade\", \"-- belay: downgrade\" and \"-- belay: verify\"");
}

static void begin(scan *s, scan_state state)
{
    s->state = state;
    s->begun_line = s->line;
}

static bool is_word(unsigned char c)
{
    return isalnum(c) || c == '_' || c >= 0x80;
}

static void begin_line_comment(scan *s)
{
    s->state = SCAN_LINE_COMMENT;
    s->first_of_line = s->offset - 1 == s->line_offset;
    memcpy(s->comment, "--", 2);
    s->comment_length = 2;
}

/* A quote that opens: an E before it, or the continuation of an E'' string, brings backslash escapes. */
static void begin_quote(scan *s)
{
    bool escape = (s->word_length == 1 && s->word[0] == 'E') ||
                  (s->after_escape && (s->previous == '\'' || s->continued));
    end_word(s);
    s->copy_from = false;
    s->statement_begun = true;
    s->escaped = false;
    begin(s, escape ? SCAN_ESCAPE_QUOTE : SCAN_QUOTE);
}

static void end_of_statement(scan *s)
{
    end_word(s);
    if (s->parens > 0)
        return;
    s->data_next = s->copy_stdin;
    end_statement(s);
}

static void punctuation(scan *s, unsigned char c)
{
    end_word(s);
    if (c == ';') {
        end_of_statement(s);
        return;
    }
    s->statement_begun = true;
    s->copy_from = false;
    if (c == '(')
        s->parens++;
    else if (c == ')' && s->parens > 0)
        s->parens--;
}

static void word_character(scan *s, unsigned char c)
{
    if (s->word_length < SCAN_WORD_MAX)
        s->word[s->word_length++] = (char)toupper(c);
}

static void in_text(scan *s, unsigned char c)
{
    if (c == '\n' || c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
        end_word(s);
        s->continued = s->continued || c == '\n';
        return;
    }
    if (c == '-' && s->previous == '-') {
        begin_line_comment(s);
        return;
    }
    if (c == '*' && s->previous == '/') {
        s->depth = 1;
        begin(s, SCAN_BLOCK_COMMENT);
        return;
    }
    if (c == '\'') {
        begin_quote(s);
    } else if (c == '"') {
        end_word(s);
        s->copy_from = false;
        s->statement_begun = true;
        begin(s, SCAN_IDENTIFIER);
    } else if (c == '$' && s->word_length == 0) {
        s->tag[0] = '$';
        s->tag_length = 1;
        begin(s, SCAN_DOLLAR_TAG);
    } else if (c == '\\') {
        end_word(s);
        s->state = SCAN_META;
    } else if (is_word(c) || c == '$') {
        word_character(s, c);
    } else if (c == '-' || c == '/') {
        end_word(s); /* may begin a comment: only the next byte tells */
        return;
    } else {
        punctuation(s, c);
    }
    s->after_escape = s->continued = false;
    if (s->open == NULL && s->stray_line == 0)
        s->stray_line = s->line;
}

static void in_block_comment(scan *s, unsigned char *c)
{
    if (*c == '*' && s->previous == '/')
        s->depth++;
    else if (*c == '/' && s->previous == '*')
        s->depth--;
    else
        return;
    if (s->depth == 0)
        s->state = SCAN_TEXT;
    *c = 0; /* a pair is used up: its second byte begins no other */
}

static bool in_dollar_tag(scan *s, unsigned char c, belay_error *err)
{
    bool digit = isdigit(c) != 0;
    if (s->tag_length >= SCAN_TAG_MAX)
        return fail(s, s->line, err, "a dollar quote's tag is longer than %d bytes", SCAN_TAG_MAX - 2);
    if (c == '$') {
        s->tag[s->tag_length++] = '$';
        s->tag_match = 0;
        s->statement_begun = true;
        s->state = SCAN_DOLLAR;
    } else if (is_word(c) && !(digit && s->tag_length == 1)) {
        s->tag[s->tag_length++] = (char)c;
    } else {
        s->state = SCAN_TEXT;
        s->statement_begun = true;
        in_text(s, c);
    }
    return true;
}

static void in_dollar(scan *s, unsigned char c)
{
    if ((char)c == s->tag[s->tag_match])
        s->tag_match++;
    else
        s->tag_match = c == '$';
    if (s->tag_match == s->tag_length)
        s->state = SCAN_TEXT;
}

static void in_escape_quote(scan *s, unsigned char c)
{
    if (s->escaped) {
        s->escaped = false;
    } else if (c == '\\') {
        s->escaped = true;
    } else if (c == '\'') {
        s->state = SCAN_TEXT;
        s->after_escape = true;
        s->continued = false;
    }
}

/* Only "\." alone on its line ends the data; the line is kept in `comment`. */
static void in_copy_data(scan *s, unsigned char c)
{
    if (c == '\n') {
        if (s->comment_length > 0 && s->comment[s->comment_length - 1] == '\r')
            s->comment_length--;
        if (s->comment_length == 2 && memcmp(s->comment, "\\.", 2) == 0)
            s->state = SCAN_TEXT;
        s->comment_length = 0;
    } else if (s->comment_length < SCAN_COMMENT_MAX - 1) {
        s->comment[s->comment_length++] = (char)c;
    }
}

static bool in_line_comment(scan *s, unsigned char c, belay_error *err)
{
    if (c == '\n') {
        s->state = SCAN_TEXT;
        s->continued = true;
        return !s->first_of_line || take_marker(s, err);
    }
    if (s->comment_length < SCAN_COMMENT_MAX - 1)
        s->comment[s->comment_length++] = (char)c;
    return true;
}

static bool take(scan *s, unsigned char *c, belay_error *err)
{
    switch (s->state) {
    case SCAN_TEXT:
        in_text(s, *c);
        if (s->state == SCAN_BLOCK_COMMENT)
            *c = 0;
        return true;
    case SCAN_LINE_COMMENT:
        return in_line_comment(s, *c, err);
    case SCAN_BLOCK_COMMENT:
        in_block_comment(s, c);
        return true;
    case SCAN_META:
        if (*c == '\n')
            s->state = SCAN_TEXT;
        return true;
    case SCAN_QUOTE:
        if (*c == '\'')
            s->state = SCAN_TEXT;
        return true;
    case SCAN_ESCAPE_QUOTE:
        in_escape_quote(s, *c);
        return true;
    case SCAN_IDENTIFIER:
        if (*c == '"')
            s->state = SCAN_TEXT;
        return true;
    case SCAN_DOLLAR_TAG:
        return in_dollar_tag(s, *c, err);
    case SCAN_DOLLAR:
        in_dollar(s, *c);
        return true;
    case SCAN_COPY_DATA:
        break;
    }
    in_copy_data(s, *c);
    return true;
}

static void next_line(scan *s)
{
    s->line++;
    s->line_offset = s->offset + 1;
    if (s->data_next && s->state == SCAN_TEXT) {
        s->data_next = false;
        s->comment_length = 0;
        begin(s, SCAN_COPY_DATA);
        s->begun_line = s->line;
    }
}

/* The common bytes of a line comment at once: neither its end, nor what has to be checked. */
static size_t comment_run(scan *s, const char *bytes, size_t length)
{
    size_t run = 0;
    while (run < length && (signed char)bytes[run] >= ' ')
        run++;
    size_t room = SCAN_COMMENT_MAX - 1 - s->comment_length;
    size_t kept = run < room ? run : room;
    memcpy(s->comment + s->comment_length, bytes, kept);
    s->comment_length += kept;
    s->offset += run;
    if (run > 0)
        s->previous = (unsigned char)bytes[run - 1];
    return run;
}

bool scan_feed(scan *s, const char *bytes, size_t length, belay_error *err)
{
    for (size_t i = 0; i < length; i++) {
        if (s->state == SCAN_LINE_COMMENT && s->utf8_left == 0)
            i += comment_run(s, bytes + i, length - i);
        if (i == length)
            break;
        unsigned char c = (unsigned char)bytes[i];
        if (c == 0) {
            fail(s, s->line, err, "the file has a NUL byte: it is not a text file");
            return belay_error_hint(err, "a migration is SQL text in UTF-8 (not UTF-16, not a dump in custom "
                                         "format)");
        }
        if ((c >= 0x80 || s->utf8_left > 0) && !take_utf8(s, c, err))
            return false;
        unsigned char kept = c;
        if (!take(s, &kept, err))
            return false;
        s->previous = kept;
        if (c == '\n')
            next_line(s);
        s->offset++;
    }
    return true;
}

static bool unterminated(const scan *s, belay_error *err)
{
    static const char *const names[] = {[SCAN_BLOCK_COMMENT] = "comment (/* without */)",
        [SCAN_QUOTE] = "quoted string",
        [SCAN_ESCAPE_QUOTE] = "quoted string",
        [SCAN_IDENTIFIER] = "quoted identifier",
        [SCAN_DOLLAR] = "dollar-quoted string",
        [SCAN_COPY_DATA] = "COPY data (no line \"\\.\")"};
    fail(s, s->begun_line, err, "unterminated %s", names[s->state]);
    return belay_error_hint(err, "close what begins in this line");
}

bool scan_end(scan *s, belay_error *err)
{
    if (s->utf8_left > 0)
        return fail(s, s->line, err, "the file ends within a UTF-8 character");
    if (s->state == SCAN_COPY_DATA)
        in_copy_data(s, '\n');
    if (s->state == SCAN_LINE_COMMENT && s->first_of_line) {
        s->state = SCAN_TEXT;
        belay_section *before = s->open;
        if (!take_marker(s, err))
            return false;
        if (s->open != before)
            s->open->offset = s->offset;
    }
    bool closed = s->state == SCAN_TEXT || s->state == SCAN_LINE_COMMENT || s->state == SCAN_META ||
                  s->state == SCAN_DOLLAR_TAG;
    if (!closed)
        return unterminated(s, err);
    if (s->open != NULL)
        s->open->length = s->offset - s->open->offset;
    return true;
}
