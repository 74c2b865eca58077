/* --sql: the script that would run, for psql. */
#include <stdio.h>
#include <string.h>

#include "cli/apply.h"
#include "migrate/version.h"
#include "migrate/words.h"
#include "pg/pg.h"
#include "revision/lexer.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>

static char *table_name(const belay_target *target)
{
    return target->version_table_schema == NULL
               ? belay_quote_ident(target->version_table)
               : belay_quote_qualified(target->version_table_schema, target->version_table);
}

/* What the script needs behind a section. */
typedef struct section_end {
    bool semicolon; /* its last statement has none */
    bool reset; /* it sets something, search_path perhaps, that neither version row nor next step may see */
} section_end;

static bool sets_something(const char *sql)
{
    belay_span word;
    const char *at = sql;
    return (belay_sql_token(&at, &word) && (belay_sql_is(word, "SET") || belay_sql_is(word, "RESET"))) ||
           strcasestr(sql, "set_config") != NULL;
}

static bool judge_section(
    const belay_revision *revision, const belay_section *section, section_end *ret, belay_error *err)
{
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    if (!belay_lexer_open_section(revision->path, section, &lexer, err))
        return false;
    belay_piece piece = {0};
    uint64_t end = 0, size = section->offset + section->length;
    while (belay_lexer_next(lexer, &piece, err)) {
        if (piece.kind == BELAY_PIECE_END) {
            ret->semicolon = end >= size && size > section->offset;
            return true;
        }
        if (piece.kind != BELAY_PIECE_STATEMENT)
            continue;
        ret->reset = ret->reset || sets_something(piece.text);
        end = piece.end;
        if (end == size) { /* the last byte decides */
            BELAY_AUTO(belay_close_fd) int fd = open(revision->path, O_RDONLY | O_CLOEXEC);
            char last = ';';
            if (fd < 0 || pread(fd, &last, 1, (off_t)end - 1) != 1)
                return belay_fail_errno(err, errno, "cannot read %s", revision->path);
            end = last == ';' ? 0 : end;
        }
    }
    return false;
}

static bool print_section(const belay_revision *revision, const belay_section *section, belay_error *err)
{
    enum { BLOCK_BYTES = 64 * 1024 };
    if (section->length == 0)
        return true;
    BELAY_AUTO(belay_close_fd) int fd = open(revision->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return belay_fail_errno(err, errno, "cannot open %s", revision->path);
    BELAY_AUTO(belay_free) char *block = belay_alloc(BLOCK_BYTES);
    uint64_t at = section->offset, left = section->length;
    while (left > 0) {
        size_t size = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
        if (!belay_pread_exact(fd, block, size, at, revision->path, err))
            return false;
        fwrite(block, 1, size, stdout);
        at += size;
        left -= size;
    }
    section_end end = {0};
    if (!judge_section(revision, section, &end, err))
        return false;
    fputs(end.semicolon ? "\n;\n" : "\n", stdout);
    if (end.reset)
        puts("RESET SESSION AUTHORIZATION;\nRESET ROLE;\nRESET ALL;");
    return true;
}

static bool print_step(const char *table, const belay_step *step, belay_error *err)
{
    const belay_revision *revision = step->revision;
    BELAY_AUTO(belay_free) char *text = belay_step_text(step);
    printf("-- Running %s\n\n", text);
    if (!step->upgrade && !revision->downgrade.present)
        return belay_fail(err, BELAY_E_IRREVERSIBLE, "%s (%s) has no downgrade section", revision->id,
            belay_path_base(revision->path));
    if (!print_section(revision, step->upgrade ? &revision->upgrade : &revision->downgrade, err))
        return false;
    BELAY_AUTO(belay_str_done) belay_str rows = BELAY_STR_INIT;
    belay_version_step_sql(&rows, table, step);
    printf("%s\n", belay_str_text(&rows));
    return true;
}

bool belay_cli_print_script(const belay_target *target, const belay_plan *plan, belay_error *err)
{
    BELAY_AUTO(belay_free) char *table = table_name(target);
    BELAY_AUTO(belay_str_done) belay_str create = BELAY_STR_INIT;
    /* A step behind one that failed would find nothing to stop it. */
    if (plan->step_count > 0)
        puts("\\set ON_ERROR_STOP on\n");
    if (plan->from_count == 0 && plan->step_count > 0)
        belay_version_create_sql(&create, table, false);
    bool open = false;
    for (size_t i = 0; i < plan->step_count; i++) {
        bool transaction = plan->steps[i].revision->transaction;
        if (open && (!transaction || target->transaction_per_migration)) {
            puts("COMMIT;\n");
            open = false;
        }
        if (transaction && !open) {
            puts("BEGIN;\n");
            open = true;
        }
        if (i == 0 && create.length > 0) /* part of the first transaction: after a failure it can run again */
            puts(belay_str_text(&create));
        if (!print_step(table, &plan->steps[i], err))
            return false;
    }
    if (open)
        puts("COMMIT;");
    return true;
}

void belay_cli_print_stamp(const belay_target *target, const belay_plan *plan)
{
    BELAY_AUTO(belay_free) char *table = table_name(target);
    BELAY_AUTO(belay_str_done) belay_str rows = BELAY_STR_INIT;
    const belay_step step = {
        .remove = plan->from, .remove_count = plan->from_count, .add = plan->to, .add_count = plan->to_count};
    if (plan->from_count == 0) { /* whatever is there */
        belay_version_create_sql(&rows, table, true);
        belay_str_appendf(&rows, "DELETE FROM %s;\n", table);
    }
    belay_version_step_sql(&rows, table, &step);
    printf("\\set ON_ERROR_STOP on\n\nBEGIN;\n\n%s\nCOMMIT;\n", belay_str_text(&rows));
}
