/* A snapshot as one SQL script for psql: schema, rows as COPY text, large objects, sequence positions,
 * indexes and constraints. No server is needed, so only tables in COPY's text format can be written: one in
 * binary format is BELAY_E_UNSUPPORTED before anything is written, with the way round it. Blocking; any
 * thread.
 */
#ifndef BELAY_RESTORE_EXPORT_H
#define BELAY_RESTORE_EXPORT_H

#include "archive/archive.h"
#include "archive/codec.h"

/* `to` gets the script in pieces; false (with err) stops. */
bool belay_export(belay_archive *archive, belay_codec_sink *to, void *context, belay_error *err);

#endif
