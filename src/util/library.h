/* Libraries that only some commands use are loaded when one first needs them: linked, they would cost every
 * start of the program, `current` too, some milliseconds (libarchive alone brings libxml2 and ICU). To the
 * build they are libraries like all others, with headers and packages. Only the soname is the build's to say
 * (cmake/libraries.cmake).
 *
 *     #define FUNCTIONS(X) X(archive_write_new) X(archive_write_free)
 *     BELAY_LIBRARY(tar, BELAY_SONAME_LIBARCHIVE, "libarchive13", FUNCTIONS)
 *
 *     if (!belay_library_load(&tar_library, err)) ...
 *     tar.archive_write_free(tar.archive_write_new());
 *
 * The pointers have the types that the library's header declares. A library stays loaded until the end.
 */
#ifndef BELAY_UTIL_LIBRARY_H
#define BELAY_UTIL_LIBRARY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"
#include "util/mem.h"

typedef struct belay_library {
    const char *soname;
    const char *package;      /* Debian's, for the hint */
    const char *const *names; /* of the functions */
    size_t count;
    void *functions; /* a struct of as many pointers, in the same order; NULL before they are loaded */
    pthread_mutex_t mutex;
    bool loaded;
} belay_library;

#define BELAY_LIBRARY_POINTER(function) __typeof__(function) *function;
#define BELAY_LIBRARY_NAME(function)    #function,

/* Defines the struct `name` of pointers and its name##_library, for one file. */
#define BELAY_LIBRARY(name, its_soname, its_package, FUNCTIONS)                                              \
    static struct {                                                                                          \
        FUNCTIONS(BELAY_LIBRARY_POINTER)                                                                     \
    } name;                                                                                                  \
    static const char *const name##_names[] = {FUNCTIONS(BELAY_LIBRARY_NAME)};                               \
    _Static_assert(sizeof name == sizeof name##_names, "pointers alone");                                    \
    static belay_library name##_library = {.soname = its_soname,                                             \
        .package = its_package,                                                                              \
        .names = name##_names,                                                                               \
        .count = BELAY_COUNT(name##_names),                                                                  \
        .functions = &name,                                                                                  \
        .mutex = PTHREAD_MUTEX_INITIALIZER};

/* Loads it and looks up every function, unless that was done before. BELAY_E_UNSUPPORTED with the package to
 * install. Blocks while files are read; any thread, and each thread that calls the functions has called this.
 */
bool belay_library_load(belay_library *library, belay_error *err);

#endif
