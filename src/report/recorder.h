/* Where acts that are not transactional are written down before they happen.
 *
 * The pipeline implements this over the run's journal (pipeline/journal.h): an intent is on disk, synced,
 * before the call returns. Code that changes the world outside of a transaction (gate, twin, swap, publish,
 * non-transactional steps) calls
 *
 *     belay_record(recorder, BELAY_RECORD_INTENT, "gate.close", details, err)   before; gives up if it fails
 *     belay_record(recorder, BELAY_RECORD_DONE, "gate.close", details, err)     after
 *
 * details: a JSON object, whose reference is stolen; may be NULL. A NULL recorder records nothing (the bare
 * verbs).
 */
#ifndef BELAY_REPORT_RECORDER_H
#define BELAY_REPORT_RECORDER_H

#include <jansson.h>
#include <stdbool.h>

#include "util/error.h"

typedef enum belay_record_kind {
    BELAY_RECORD_INTENT,
    BELAY_RECORD_DONE,
    BELAY_RECORD_NOTE
} belay_record_kind;

typedef struct belay_recorder belay_recorder;
struct belay_recorder {
    bool (*record)(
        belay_recorder *self, belay_record_kind kind, const char *act, json_t *details, belay_error *err);
};

static inline bool belay_record(
    belay_recorder *recorder, belay_record_kind kind, const char *act, json_t *details, belay_error *err)
{
    if (recorder == NULL) {
        json_decref(details);
        return true;
    }
    return recorder->record(recorder, kind, act, details, err);
}

#endif
