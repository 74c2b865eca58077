/* The `verify` sections of the revisions that a plan applied: read-only, rolled back. */
#include <stdio.h>

#include "migrate/native.h"
#include "migrate/words.h"
#include "util/file.h"

static bool refuse(const belay_revision *revision, const belay_piece *piece, belay_error *err)
{
    belay_fail(
        err, BELAY_E_VERIFY, "verify of %s (%s) says no", revision->id, belay_path_base(revision->path));
    snprintf(err->statement, sizeof err->statement, "%s", piece->text);
    belay_error_hint(err, "the first column of a verify statement must be neither false nor NULL");
    return belay_error_place(err, revision->path, piece->line);
}

static bool check_statement(
    belay_pg *pg, const belay_revision *revision, const belay_piece *piece, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (piece->copies || belay_sql_controls_transaction(piece->text)) {
        belay_fail(err, BELAY_E_MIGRATION_FILE, "verify of %s may only read: \"%.40s\" is refused",
            revision->id, piece->text);
        return belay_error_place(err, revision->path, piece->line);
    }
    if (!belay_pg_run_user_sql(pg, piece->text, NULL, &rows, err)) {
        belay_error_prefix(err, "verify of %s", revision->id);
        return belay_error_place(err, revision->path, piece->line);
    }
    for (size_t i = 0; i < belay_rows_count(rows) && belay_rows_columns(rows) > 0; i++) {
        const char *value = belay_rows_text(rows, i, 0);
        if (belay_rows_is_null(rows, i, 0) || belay_equal(value, "f") || belay_equal(value, "false"))
            return refuse(revision, piece, err);
    }
    return true;
}

static bool check_section(belay_pg *pg, const belay_revision *revision, belay_error *err)
{
    const belay_section *section = &revision->verify;
    if (!section->present || section->length == 0)
        return true;
    belay_lexer_options options = {
        .offset = section->offset, .length = section->length, .first_line = section->line};
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    if (!belay_lexer_open_file(revision->path, &options, &lexer, err))
        return false;
    belay_piece piece = {0};
    while (belay_lexer_next(lexer, &piece, err)) {
        if (piece.kind == BELAY_PIECE_END)
            return true;
        if (piece.kind == BELAY_PIECE_STATEMENT && !check_statement(pg, revision, &piece, err))
            return false;
    }
    return false;
}

bool belay_native_verify(belay_engine *self, belay_pg *pg, const belay_plan *plan, belay_error *err)
{
    (void)self;
    for (size_t i = 0; i < plan->step_count; i++) {
        if (!plan->steps[i].upgrade || !plan->steps[i].revision->verify.present)
            continue;
        if (!belay_pg_exec(pg, "BEGIN READ ONLY", err))
            return false;
        bool ok = check_section(pg, plan->steps[i].revision, err);
        ok = belay_pg_exec(pg, "ROLLBACK", ok ? err : NULL) && ok;
        if (!ok)
            return false;
    }
    return true;
}
