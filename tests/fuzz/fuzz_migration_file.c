/* Any bytes as a migration file: it loads or is refused with a message; sections lie within the file, and the
 * lexer sees the same markers when it reads the text later as when it skimmed it to load. */
#include <stdio.h>
#include <unistd.h>

#include "revision/lexer.h"
#include "revision/revision.h"
#include "util/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

/* Sections that begin right behind the marker; the lexer gives each once. */
static void compare_markers(const belay_revision *revision, const char *text, size_t size)
{
    BELAY_AUTO(belay_lexer_free) belay_lexer *lexer = NULL;
    size_t markers = 0;
    belay_piece piece = {0};
    if (!belay_lexer_open_text("fuzz", text, size, NULL, &lexer, NULL))
        return;
    do {
        if (!belay_lexer_next(lexer, &piece, NULL))
            return;
        markers += piece.kind == BELAY_PIECE_MARKER;
    } while (piece.kind != BELAY_PIECE_END);
    size_t sections = (size_t)revision->upgrade.present + (size_t)revision->downgrade.present +
                      (size_t)revision->verify.present;
    require(markers == sections, "loading and reading see other markers");
}

static void check(const belay_graph *graph, const char *text, size_t size)
{
    for (size_t i = 0; i < belay_graph_count(graph); i++) {
        const belay_revision *revision = belay_graph_history(graph)[i];
        const belay_section *all[] = {&revision->upgrade, &revision->downgrade, &revision->verify};
        require(revision->upgrade.present, "a migration without upgrade");
        require(strlen(revision->id) <= BELAY_REVISION_ID_MAX, "a long id");
        for (size_t j = 0; j < BELAY_COUNT(all); j++)
            require(all[j]->length <= size && all[j]->offset <= size - all[j]->length, "a section outside");
        compare_markers(revision, text, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char folder[] = "/tmp/belay_fuzz.XXXXXX";
    require(mkdtemp(folder) != NULL, "no temporary folder");
    BELAY_AUTO(belay_free) char *path = belay_path_join(folder, "a.sql");
    BELAY_AUTO(belay_free) char *text = belay_alloc(size + 1);
    if (size > 0)
        memcpy(text, data, size);
    require(belay_write_file_durably(path, text, size, 0600, NULL), "cannot write");
    belay_error err = {0};
    BELAY_AUTO(belay_graph_free) belay_graph *graph = NULL;
    if (belay_graph_load(folder, &graph, &err))
        check(graph, text, size);
    else
        require(err.message[0] != '\0' && err.file[0] != '\0', "a refusal without message or file");
    belay_remove_tree(folder, NULL);
    return 0;
}
