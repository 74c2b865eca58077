/* A snapshot as one SQL script for psql: schema, rows as COPY text, large objects, sequence positions,
 * indexes and constraints.
 *
 * Tables in COPY's text format are written as they are, and need no server. Those in binary format are made
 * text by one, in a scratch database (restore/to_text.h). Blocking; one thread.
 */
#ifndef BELAY_RESTORE_EXPORT_H
#define BELAY_RESTORE_EXPORT_H

#include "archive/archive.h"
#include "archive/codec.h"
#include "restore/restore.h"

/* Has it rows in binary format? */
bool belay_export_needs_server(const belay_archive *archive);
/* `to` gets the script in pieces; false (with err) stops. `server`: as belay_to_text_open wants it; NULL when
 * none is needed. */
bool belay_export(belay_archive *archive, const belay_restore_options *server, belay_codec_sink *to,
    void *context, belay_error *err);

#endif
