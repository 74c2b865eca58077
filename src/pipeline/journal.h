/* The journal of a run: <store>/<target>/runs/<run-id>/journal.ndjson, one JSON object a line, appended,
 * never rewritten. Several processes may write to it, when one believes the other dead: none overwrites what
 * another wrote, and each notices the other with its next record (store/store.h, append).
 *
 *   {"seq": 1, "at": "2025-11-04T12:34:00Z", "kind": "begin", "act": "run", ...}
 *
 * Kinds: begin (the run's identity and plan), stage (state: begin, ok, failed), intent and done (acts outside
 * of transactions, report/recorder.h), note, end (the outcome; a run without it is unfinished). Intents,
 * begin and end are synced before the call returns. A torn line is normal after a crash: readers skip what
 * does not parse. One thread. JSON details are stolen.
 */
#ifndef BELAY_PIPELINE_JOURNAL_H
#define BELAY_PIPELINE_JOURNAL_H

#include "report/recorder.h"
#include "store/store.h"
#include "util/error.h"
#include "util/json.h"

typedef struct belay_journal belay_journal;

/* Opens for appending; a new run's folder is made. */
bool belay_journal_open(
    belay_store *store, const char *target, const char *run_id, belay_journal **ret, belay_error *err);
void belay_journal_close(belay_journal *journal);
/* All of it is in the store, or it is to be forgotten: closing removes the copy that this machine has of a
 * journal on another host (pipeline/journal_copy.h). */
void belay_journal_is_over(belay_journal *journal);
/* The path of that copy; NULL: there is none. Valid while the journal is open. */
const char *belay_journal_copied_to(const belay_journal *journal);
BELAY_DEFINE_AUTO(belay_journal, belay_journal_close)
bool belay_journal_write(
    belay_journal *journal, const char *kind, const char *act, json_t *details, belay_error *err);
belay_recorder *belay_journal_recorder(belay_journal *journal);
/* Another process writes to the same journal: a record of this one failed with BELAY_E_LOCKED, and so will
 * all others, also when lenient. NULL: no. */
bool belay_journal_is_foreign(const belay_journal *journal);
/* A process that goes on with a run that another one began says so before it reads what that one did ("note",
 * "takeover"): by that the other one, should it live still, knows. */
bool belay_journal_take_over(belay_journal *journal, belay_error *err);
/* False, with BELAY_E_LOCKED, when another process has taken the run over since. Reads all of the journal;
 * one that cannot be read is no for an answer, too. */
bool belay_journal_require_own(belay_journal *journal, belay_error *err);
/* Who wrote to it last: the record of the last takeover, or of the run's begin; borrowed, or NULL. */
const json_t *belay_journal_writer(const json_t *records);
/* From now on a record that cannot be written (a full disk) does not stop the act: on the way back, opening
 * the gate again matters more, and recover finds databases by OID. */
void belay_journal_be_lenient(belay_journal *journal);
/* As a person would open it; valid while the journal is open. */
const char *belay_journal_path(const belay_journal *journal);

/* The records that parse, in order: a JSON array, new reference. Of the statements of steps without a
 * transaction only the last intent and the last done are among them, so that memory does not grow with the
 * file. */
bool belay_journal_read(
    belay_store *store, const char *target, const char *run_id, json_t **ret, belay_error *err);
/* The first and the last record that parses, read from the file's ends only; NULL when there is none. New
 * references; ret_first may be NULL. */
bool belay_journal_edges(belay_store *store, const char *target, const char *run_id, json_t **ret_first,
    json_t **ret_last, belay_error *err);
/* True when the last record is the run's end, which nothing follows; also when there is no record at all:
 * such a run died before its first one was on disk, and did nothing. */
bool belay_journal_has_ended(
    belay_store *store, const char *target, const char *run_id, bool *ret, belay_error *err);
/* Whether a record is of that kind and act (act NULL: any). */
bool belay_journal_is(const json_t *one, const char *kind, const char *act);
/* The last record of that kind and act (act NULL: any), borrowed; NULL when there is none. */
const json_t *belay_journal_last(const json_t *records, const char *kind, const char *act);
/* True when there is an intent of that act without a later done. */
bool belay_journal_open_intent(const json_t *records, const char *act);

#endif
