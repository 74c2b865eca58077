#include "migrate/check_sql.h"

#include "migrate/words.h"
#include "revision/lexer.h"
#include "util/file.h"

typedef struct judge {
    belay_pg *pg; /* NULL: only read */
    const char *path;
    const char *what;
} judge;

static bool answer_no(const judge *j, const belay_piece *piece, belay_error *err)
{
    belay_fail(err, BELAY_E_VERIFY, "%s (%s) says no", j->what, belay_path_base(j->path));
    belay_error_statement(err, piece->text);
    belay_error_hint(err, "the first column of a verify statement must be neither false nor NULL");
    return belay_error_place(err, j->path, piece->line);
}

static bool allow_statement(const judge *j, const belay_piece *piece, belay_error *err)
{
    if (piece->kind != BELAY_PIECE_META && !piece->copies && !belay_sql_controls_transaction(piece->text) &&
        !belay_sql_controls_savepoint(piece->text))
        return true;
    belay_fail(err, BELAY_E_MIGRATION_FILE, "%s may only read: \"%.40s\" is refused", j->what, piece->text);
    belay_error_hint(err, "keep SELECT statements there, whose first column says yes or no");
    return belay_error_place(err, j->path, piece->line);
}

static bool check_statement(const judge *j, const belay_piece *piece, belay_error *err)
{
    BELAY_AUTO(belay_rows_free) belay_rows *rows = NULL;
    if (!belay_pg_run_user_sql(j->pg, piece->text, NULL, &rows, err)) {
        belay_error_prefix(err, "%s", j->what);
        return belay_error_place(err, j->path, piece->line);
    }
    for (size_t i = 0; i < belay_rows_count(rows) && belay_rows_columns(rows) > 0; i++) {
        const char *value = belay_rows_text(rows, i, 0);
        if (belay_rows_is_null(rows, i, 0) || belay_equal(value, "f") || belay_equal(value, "false"))
            return answer_no(j, piece, err);
    }
    return true;
}

static bool check_pieces(const judge *j, const belay_section *section, belay_error *err)
{
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    if (!(section == NULL ? belay_lexer_open_file(j->path, NULL, &lexer, err)
                          : belay_lexer_open_section(j->path, section, &lexer, err)))
        return false;
    belay_piece piece = {0};
    for (;;) {
        if (j->pg != NULL)
            belay_lexer_set_nonstandard_strings(lexer, !belay_pg_standard_strings(j->pg));
        if (!belay_lexer_next(lexer, &piece, err))
            return false;
        if (piece.kind == BELAY_PIECE_END)
            return true;
        if (piece.kind != BELAY_PIECE_STATEMENT && piece.kind != BELAY_PIECE_META)
            continue;
        if (!allow_statement(j, &piece, err) || (j->pg != NULL && !check_statement(j, &piece, err)))
            return false;
    }
}

bool belay_check_sql_within(
    belay_pg *pg, const char *path, const belay_section *section, const char *what, belay_error *err)
{
    return check_pieces(&(judge){pg, path, what}, section, err);
}

bool belay_check_sql_read(const char *path, const belay_section *section, const char *what, belay_error *err)
{
    return (section != NULL && !belay_has_checks(section)) ||
           check_pieces(&(judge){NULL, path, what}, section, err);
}

bool belay_check_sql(
    belay_pg *pg, const char *path, const belay_section *section, const char *what, belay_error *err)
{
    if (section != NULL && !belay_has_checks(section))
        return true;
    if (!belay_pg_exec(pg, "BEGIN READ ONLY; SAVEPOINT belay_verify", err))
        return false;
    bool ok = belay_check_sql_within(pg, path, section, what, err);
    return belay_pg_exec(pg, "ROLLBACK", ok ? err : NULL) && ok;
}
