/* Binary rows of a snapshot as COPY's text, by a server: only the server knows each type's text exactly.
 *
 *     belay_to_text_open(&how, archive, &texts, err)      a scratch database with the snapshot's tables,
 * empty belay_to_text_table(texts, table, sink, context, err)   any number belay_to_text_close(texts, err)
 * drops it, on every way out
 *
 * Each chunk goes into a temporary table and out again, so that the server never holds more than one chunk.
 * One connection, one thread; blocking. A killed process leaves the scratch database to the next one
 * (restore/scratch.h).
 */
#ifndef BELAY_RESTORE_TO_TEXT_H
#define BELAY_RESTORE_TO_TEXT_H

#include "archive/codec.h"
#include "restore/restore.h"

typedef struct belay_to_text belay_to_text;

/* Of `how`: dialer, maintenance, dbname (a scratch name), run_id, target, create_roles, reporter. They must
 * outlive it. */
bool belay_to_text_open(
    const belay_restore_options *how, belay_archive *archive, belay_to_text **ret, belay_error *err);
/* All rows of a table in binary format, in text lines of the database's encoding; money as in the locale C.
 * BELAY_E_UNSUPPORTED for a row that is too long for text. */
bool belay_to_text_table(
    belay_to_text *texts, const belay_table *table, belay_codec_sink *to, void *context, belay_error *err);
/* NULL is fine. False when the scratch database could not be dropped. */
bool belay_to_text_close(belay_to_text *texts, belay_error *err);

#endif
