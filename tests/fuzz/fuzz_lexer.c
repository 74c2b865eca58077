/* Any bytes as a SQL script: the lexer ends with END or a message that names a line, its pieces lie within
 * the text, in order, and are what stands there. */
#include <stdlib.h>
#include <string.h>

#include "revision/lexer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const char *text, size_t size, const belay_lexer_options *options)
{
    belay_error err = {0};
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    bool ok = belay_lexer_open_text("fuzz", text, size, options, &lexer, &err);
    uint64_t at = 0;
    belay_piece piece = {0};
    while (ok && (ok = belay_lexer_next(lexer, &piece, &err))) {
        if (piece.offset < at || piece.offset + piece.length > size || piece.end > size ||
            memcmp(piece.text, text + piece.offset, piece.length) != 0 || piece.text[piece.length] != '\0')
            abort();
        at = piece.offset;
        if (piece.kind == BELAY_PIECE_END)
            return;
    }
    if (err.message[0] == '\0' || err.line < 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size == 0 ? "" : (const char *)data;
    read_all(text, size, &(belay_lexer_options){0});
    read_all(text, size, &(belay_lexer_options){.skim = true, .check_utf8 = true});
    read_all(text, size, &(belay_lexer_options){.comments = true, .nonstandard_strings = true});
    return 0;
}
