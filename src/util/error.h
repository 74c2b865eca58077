/* Errors as values.
 *
 * A function that can fail returns bool (or an enum) and fills the caller's belay_error: what happened,
 * where, and what to do next. belay_error is plain memory of fixed size: it owns nothing, needs no freeing,
 * may be copied by assignment and can be filled when memory is short; texts that do not fit are cut at a
 * character boundary with "...". `err` may be NULL everywhere: the error is then dropped. Domain code neither
 * prints nor exits.
 *
 * Codes live in one table (BELAY_ERROR_TABLE): name as in JSON, exit status of CONTRACT.md, default hint.
 * Thread-safe: no shared state.
 */
#ifndef BELAY_UTIL_ERROR_H
#define BELAY_UTIL_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum {
    BELAY_EXIT_OK = 0,
    BELAY_EXIT_FAILED = 1,    /* failed; the database is untouched */
    BELAY_EXIT_USAGE = 2,     /* usage or configuration; nothing was tried */
    BELAY_EXIT_REFUSED = 3,   /* pre-flight or policy; nothing was changed */
    BELAY_EXIT_RESTORED = 4,  /* migration failed; restored or downgraded */
    BELAY_EXIT_ATTENTION = 5, /* needs recover or a person */
    BELAY_EXIT_LOCKED = 6,    /* another run holds the target */
    BELAY_EXIT_NO = 7         /* check, current --check-heads, verify: the answer is no */
};

/* X(symbol, name in JSON, exit status, default hint or NULL) */
#define BELAY_ERROR_TABLE(X)                                                                                 \
    X(NONE, "none", BELAY_EXIT_OK, NULL)                                                                     \
    X(USAGE, "usage", BELAY_EXIT_USAGE, "see `belay help` or `belay <command> --help`")                      \
    X(CONFIG, "config", BELAY_EXIT_USAGE,                                                                    \
        "docs/configuration.md has every key; `belay targets` shows what holds")                             \
    X(INTERNAL, "internal", BELAY_EXIT_FAILED,                                                               \
        "this is a defect in belay; please report it with the journal")                                      \
    X(NO_MEMORY, "no_memory", BELAY_EXIT_FAILED, NULL)                                                       \
    X(IO, "io", BELAY_EXIT_FAILED, NULL)                                                                     \
    X(NO_SPACE, "no_space", BELAY_EXIT_FAILED, "free space on that file system, then run the command again") \
    X(NOT_FOUND, "not_found", BELAY_EXIT_FAILED, NULL)                                                       \
    X(CONNECTION_REFUSED, "connection_refused", BELAY_EXIT_FAILED,                                           \
        "is the server running there? try pg_isready with that host and port, and check POSTGRES_HOST, "     \
        "POSTGRES_PORT and the firewall; `belay doctor` looks at each step")                                 \
    X(AUTHENTICATION, "authentication", BELAY_EXIT_FAILED,                                                   \
        "check user and password of the target (POSTGRES_USER, POSTGRES_PASSWORD, ~/.pgpass) and "           \
        "pg_hba.conf")                                                                                       \
    X(NO_DATABASE, "no_database", BELAY_EXIT_FAILED,                                                         \
        "check dbname of the target; `belay runs` shows whether an unfinished run renamed it; in "           \
        "development `belay dev` creates it")                                                                \
    X(CONNECTION, "connection", BELAY_EXIT_FAILED,                                                           \
        "check host and port of the target, the network and the firewall; `belay doctor` looks at each "     \
        "step")                                                                                              \
    X(CONNECTION_LOST, "connection_lost", BELAY_EXIT_FAILED,                                                 \
        "the server's log says why it ended; `belay runs` shows whether a run is unfinished")                \
    X(POOLER, "pooler", BELAY_EXIT_REFUSED,                                                                  \
        "connect directly to the server, by its own host and port; applications may keep the pooler")        \
    X(PERMISSION, "permission", BELAY_EXIT_FAILED,                                                           \
        "`belay doctor` and `belay preflight` name the rights that are missing, with the GRANT for each")    \
    X(SQL, "sql", BELAY_EXIT_FAILED, NULL)                                                                   \
    X(LOCK_TIMEOUT, "lock_timeout", BELAY_EXIT_FAILED,                                                       \
        "another session holds a lock that the migration needs; end it or try again when it is done")        \
    X(FOREIGN_KEY, "foreign_key_violation", BELAY_EXIT_FAILED,                                               \
        "rows exist that violate the new constraint; repair or delete them earlier in the same migration, "  \
        "or add the key NOT VALID and validate it after the repair")                                         \
    X(MIGRATION_FILE, "migration_file", BELAY_EXIT_USAGE, NULL)                                              \
    X(REVISION_UNKNOWN, "revision_unknown", BELAY_EXIT_USAGE,                                                \
        "`belay history` lists the revisions that the files have")                                           \
    X(REVISION_AMBIGUOUS, "revision_ambiguous", BELAY_EXIT_USAGE, "give more characters of the identifier")  \
    X(REVISION_RANGE, "revision_range", BELAY_EXIT_USAGE, NULL)                                              \
    X(MULTIPLE_HEADS, "multiple_heads", BELAY_EXIT_USAGE,                                                    \
        "`belay branches` shows where they part; join them with `belay merge -m \"...\" <rev1> <rev2>`, "    \
        "or name one revision, or use `heads`")                                                              \
    X(NOT_UP_TO_DATE, "not_up_to_date", BELAY_EXIT_USAGE,                                                    \
        "`belay upgrade head --plan` shows what is pending; `belay dev` or `belay deploy` applies it")       \
    X(DATABASE_AHEAD, "database_ahead", BELAY_EXIT_REFUSED,                                                  \
        "the checkout is probably older than the database: update it to the commit that was deployed. "      \
        "Do not `stamp head`: that would record revisions as applied that never ran")                        \
    X(APPLIED_EDITED, "applied_edited", BELAY_EXIT_REFUSED,                                                  \
        "never edit applied migrations: put the file back (`git checkout -- <file>`) and write a new one")   \
    X(APPLIED_DELETED, "applied_deleted", BELAY_EXIT_REFUSED,                                                \
        "never delete applied migrations: put the file back from version control")                           \
    X(IRREVERSIBLE, "irreversible", BELAY_EXIT_USAGE,                                                        \
        "the revision has no downgrade section; `belay restore --revision <rev>` goes back by snapshot")     \
    X(POLICY, "policy", BELAY_EXIT_REFUSED, NULL)                                                            \
    X(KEY, "key", BELAY_EXIT_REFUSED, "docs/encryption.md says which keys belay takes")                      \
    X(SIGNATURE, "signature", BELAY_EXIT_REFUSED,                                                            \
        "do not restore it unless you know who wrote it; docs/encryption.md tells more")                     \
    X(HOST_KEY, "host_key", BELAY_EXIT_REFUSED,                                                              \
        "ask the server's owner for its fingerprint; `belay targets trust NAME` shows and records it")       \
    X(SSH, "ssh", BELAY_EXIT_FAILED, "try the same address with ssh -v; `belay doctor` looks at each step")  \
    X(SSH_LOST, "ssh_lost", BELAY_EXIT_FAILED,                                                               \
        "see whether the SSH server and the network are up; `belay runs` shows whether a run is unfinished") \
    X(PREFLIGHT, "preflight", BELAY_EXIT_REFUSED, NULL)                                                      \
    X(LOCKED, "locked", BELAY_EXIT_LOCKED, "wait for that run to end; `belay runs` lists it")                \
    X(UNFINISHED_RUN, "unfinished_run", BELAY_EXIT_ATTENTION, NULL)                                          \
    X(NEEDS_RECOVERY, "needs_recovery", BELAY_EXIT_ATTENTION, NULL)                                          \
    X(ARCHIVE, "archive", BELAY_EXIT_FAILED,                                                                 \
        "the snapshot is damaged and must not be used; `belay snapshots` lists others")                      \
    X(FORMAT, "format", BELAY_EXIT_FAILED, NULL)                                                             \
    X(COMPARE, "compare", BELAY_EXIT_FAILED,                                                                 \
        "that copy must not be used; `belay verify ID` reads the snapshot again, `belay snapshots` lists "   \
        "others")                                                                                            \
    X(VERIFY, "verify", BELAY_EXIT_FAILED, NULL)                                                             \
    X(HEALTH, "health", BELAY_EXIT_FAILED,                                                                   \
        "the application's own log says more; `belay report last` shows what the run did")                   \
    X(PROCESS, "process", BELAY_EXIT_FAILED,                                                                 \
        "what the command said is shown above; run it by hand to see more")                                  \
    X(CANCELLED, "cancelled", BELAY_EXIT_FAILED, NULL)                                                       \
    X(DEADLINE, "deadline", BELAY_EXIT_FAILED, NULL)                                                         \
    X(UNSUPPORTED, "unsupported", BELAY_EXIT_REFUSED, NULL)                                                  \
    X(ANSWER_NO, "answer_no", BELAY_EXIT_NO, NULL)

typedef enum belay_code {
#define X(symbol, name, status, hint) BELAY_E_##symbol,
    BELAY_ERROR_TABLE(X)
#undef X
        BELAY_E_COUNT
} belay_code;

typedef struct belay_error {
    belay_code code;
    int sys_errno;       /* 0 when no system call was the cause */
    char sqlstate[6];    /* "" when no server was the cause */
    long line;           /* 1-based line in file, 0 when unknown */
    char message[1536];  /* what happened; no trailing newline */
    char detail[1024];   /* the server's DETAIL, a blocker, a caret excerpt; may have several lines */
    char hint[1024];     /* what to do next */
    char file[512];      /* migration, configuration or archive file */
    char statement[512]; /* SQL statement at fault, cut */
} belay_error;

/* Sets code, message and the code's default hint, forgets the rest; returns false so that `return
 * belay_fail(...)` reads well. */
bool belay_fail(belay_error *err, belay_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": <strerror>" appended; ENOSPC and EDQUOT turn BELAY_E_IO into BELAY_E_NO_SPACE. */
bool belay_fail_errno(belay_error *err, int sys_errno, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "text: " in front of the message: context added while an error travels up. Returns false. */
bool belay_error_prefix(belay_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Replaces hint, detail or place; returns false. */
bool belay_error_hint(belay_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool belay_error_detail(belay_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool belay_error_place(belay_error *err, const char *file, long line);

/* Puts the statement at fault, cut, into err->statement; returns false. */
bool belay_error_statement(belay_error *err, const char *sql);

void belay_error_clear(belay_error *err);
const char *belay_code_name(belay_code code);
int belay_code_exit(belay_code code);
/* The default hint, NULL when the code has none. */
const char *belay_code_hint(belay_code code);

#endif
