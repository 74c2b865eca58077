#include "migrate/script.h"

#include <ctype.h>
#include <stdlib.h>

#include "migrate/words.h"
#include "util/file.h"

static bool refuse_meta(const belay_script *script, const belay_piece *piece, belay_error *err)
{
    belay_span word = {piece->text, strcspn(piece->text, " \t\r")};
    if (belay_sql_is(word, "\\restrict") || belay_sql_is(word, "\\unrestrict"))
        return true;
    belay_fail(err, BELAY_E_MIGRATION_FILE, "psql's command %.60s is not SQL, and belay does not run it",
        piece->text);
    belay_error_hint(err, "write it as SQL; for \\copy use COPY ... FROM STDIN with the rows in the file");
    return belay_error_place(err, script->revision->path, piece->line);
}

static bool refuse_transaction(const belay_script *script, const belay_piece *piece, belay_error *err)
{
    if (script->own_transactions || !belay_sql_controls_transaction(piece->text))
        return true;
    belay_fail(err, BELAY_E_MIGRATION_FILE,
        "belay begins and ends the transaction itself: \"%.40s\" is refused", piece->text);
    belay_error_hint(err,
        "take it out, or write `Transaction: no` into the header when the file must control "
        "its transactions itself");
    return belay_error_place(err, script->revision->path, piece->line);
}

static bool refuse_nameless_index(const belay_script *script, const belay_piece *piece, belay_error *err)
{
    BELAY_AUTO(belay_index_build_done) belay_index_build build = {0};
    belay_sql_index_build(piece->text, &build);
    if (!build.concurrent)
        return true;
    if (script->own_transactions && build.index != NULL)
        return true;
    if (!script->own_transactions) {
        belay_fail(err, BELAY_E_MIGRATION_FILE, "CREATE INDEX CONCURRENTLY cannot run in a transaction");
        belay_error_hint(err, "write `Transaction: no` into the header; best in a migration of its own");
    } else {
        belay_fail(err, BELAY_E_MIGRATION_FILE,
            "CREATE INDEX CONCURRENTLY without a name cannot be resumed: "
            "belay could not find a half-built index again");
        belay_error_hint(err, "give the index a name");
    }
    return belay_error_place(err, script->revision->path, piece->line);
}

bool belay_script_check(const belay_script *script, long long *ret_statements, belay_error *err)
{
    *ret_statements = 0;
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    if (!belay_lexer_open_section(script->revision->path, script->section, &lexer, err))
        return false;
    belay_piece piece = {0};
    while (belay_lexer_next(lexer, &piece, err)) {
        if (piece.kind == BELAY_PIECE_END)
            return true;
        if (piece.kind == BELAY_PIECE_META && !refuse_meta(script, &piece, err))
            return false;
        if (piece.kind != BELAY_PIECE_STATEMENT)
            continue;
        if (!refuse_transaction(script, &piece, err) || !refuse_nameless_index(script, &piece, err))
            return false;
        ++*ret_statements;
    }
    return false;
}

static long newlines(const char *text, size_t length)
{
    long count = 0;
    for (size_t i = 0; i < length && text[i] != '\0'; i++)
        count += text[i] == '\n';
    return count;
}

/* What the server does not say because it does not know of belay. */
static void advise(const belay_script *script, const belay_piece *piece, belay_error *err)
{
    const char *at = piece->text;
    belay_span first;
    bool sets =
        belay_sql_token(&at, &first) && belay_sql_is(first, "set"); /* SET TRANSACTION comes too late */
    if (belay_equal(err->sqlstate, "25001") && !script->own_transactions && !sets)
        belay_error_hint(err, "write `Transaction: no` into the header; best in a migration of its own");
    if (err->code == BELAY_E_DEADLINE)
        belay_error_hint(err,
            "it took longer than statement_timeout, or somebody cancelled it; raise the target's "
            "statement_timeout, or write SET LOCAL statement_timeout above the statement");
}

static bool place(belay_pg *pg, const belay_script *script, const belay_piece *piece, belay_error *err)
{
    if (err == NULL)
        return false;
    advise(script, piece, err);
    long below = newlines(piece->text, belay_pg_error_offset(pg, piece->text));
    belay_error_place(err, script->revision->path, piece->line + below);
    return false;
}

/* "COPY t, line 3, column a: ..." says which line of the data is at fault; "line" is in the server's
 * language. */
static long line_of_copy_error(const belay_error *err)
{
    const char *context =
        belay_starts_with(err->detail, "COPY ") ? err->detail : strstr(err->detail, "\nCOPY ");
    for (const char *at = context; at != NULL && (at = strstr(at, ", ")) != NULL;) {
        at += 2;
        const char *number = at + strcspn(at, " ,:\n") + 1;
        if (number[-1] == ' ' && isdigit((unsigned char)*number))
            return strtol(number, NULL, 10);
    }
    return 1;
}

static bool stream_copy(
    belay_pg *pg, const belay_script *script, belay_lexer *lexer, belay_piece *piece, belay_error *err)
{
    BELAY_AUTO(belay_free) char *statement = belay_strndup(piece->text, sizeof err->statement);
    if (!belay_pg_copy_in_begin(pg, piece->text, err)) {
        belay_error_statement(err, statement);
        return place(pg, script, piece, err);
    }
    long first = 0;
    bool sent = true;
    while (sent) {
        if (!belay_lexer_next(lexer, piece, err)) {
            belay_pg_copy_abort(pg, "the file cannot be read");
            return false;
        }
        if (piece->kind != BELAY_PIECE_COPY_DATA)
            break;
        first = first == 0 ? piece->line : first;
        sent = belay_pg_copy_write(pg, piece->text, piece->length, err);
    }
    if (sent && belay_pg_copy_end(pg, NULL, err))
        return true;
    belay_error_statement(err, statement);
    return belay_error_place(err, script->revision->path, first + line_of_copy_error(err) - 1);
}

static bool run_one(
    belay_pg *pg, const belay_script *script, belay_lexer *lexer, belay_piece *piece, belay_error *err)
{
    if (piece->copies)
        return stream_copy(pg, script, lexer, piece, err);
    return belay_pg_run_user_sql(pg, piece->text, NULL, NULL, err) || place(pg, script, piece, err);
}

bool belay_script_run(
    belay_pg *pg, const belay_script *script, const belay_script_hooks *hooks, belay_error *err)
{
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    if (!belay_lexer_open_section(script->revision->path, script->section, &lexer, err))
        return false;
    belay_piece piece = {0};
    bool skip = false;
    for (;;) {
        /* A SET in the file, or the database's own setting, changes where the server sees a string end. */
        belay_lexer_set_nonstandard_strings(lexer, !belay_pg_standard_strings(pg));
        if (!belay_lexer_next(lexer, &piece, err))
            return false;
        if (piece.kind == BELAY_PIECE_END)
            return true;
        if (piece.kind != BELAY_PIECE_STATEMENT)
            continue;
        if (!refuse_transaction(script, &piece, err))
            return false;
        if (hooks != NULL && hooks->before != NULL && !hooks->before(hooks->context, &piece, &skip, err))
            return false;
        if (skip)
            continue;
        bool ok = run_one(pg, script, lexer, &piece, err);
        if (hooks != NULL && hooks->after != NULL && !hooks->after(hooks->context, ok, err))
            return false;
        if (!ok)
            return false;
    }
}

void belay_script_prefix(const belay_script *script, belay_error *err)
{
    belay_error_prefix(err, "%s %s (%s)",
        script->section == &script->revision->upgrade ? "upgrade" : "downgrade", script->revision->id,
        belay_path_base(script->revision->path));
    /* Where neither the server nor the code of the error has a better one. */
    if (err != NULL && err->code == BELAY_E_SQL && err->hint[0] == '\0')
        belay_error_hint(err,
            "repair the file there, then run the command again; `belay rehearse` tries it on a "
            "copy of the data");
}
