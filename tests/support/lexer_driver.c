/* Prints the statements of a script as `psql -e` echoes them: each with its semicolon and a newline. */
#include <stdio.h>

#include "revision/lexer.h"

int main(int argc, char **argv)
{
    belay_error err = {0};
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    belay_piece piece = {0};
    bool ok = argc == 2 && belay_lexer_open_file(argv[1], NULL, &lexer, &err);
    while (ok && (ok = belay_lexer_next(lexer, &piece, &err)) && piece.kind != BELAY_PIECE_END) {
        if (piece.kind == BELAY_PIECE_STATEMENT)
            printf("%s;\n", piece.text);
    }
    if (!ok)
        fprintf(stderr, "%s:%ld: %s\n", err.file, err.line, err.message);
    return ok ? 0 : 1;
}
