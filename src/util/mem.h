/* Memory: cleanup attributes, checked allocation, arena.
 *
 * Small allocations (names, tables, plans) go through belay_alloc and friends, which end the process with a
 * message when the system has no memory: every state on disk and on the server is covered by the journal, so
 * that is a crash like any other, and `belay recover` handles it. Buffers whose size comes from input go
 * through belay_try_alloc or a bounded belay_str and report BELAY_E_NO_MEMORY.
 *
 *     BELAY_AUTO(belay_free) char *path = belay_format("%s/%s", a, b);
 *     return belay_take(path);                // ownership passes to the caller
 *
 * An arena hands out memory that is freed all at once: one per graph, plan or catalogue. Not for sharing
 * between threads while it is still being filled.
 */
#ifndef BELAY_UTIL_MEM_H
#define BELAY_UTIL_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "util/error.h"

/* Runs done##_p(&variable) when the variable leaves its scope. */
#define BELAY_AUTO(done) __attribute__((cleanup(done##_p)))

/* Defines cleanup##_p for a free function of one pointer, for use with BELAY_AUTO. */
#define BELAY_DEFINE_AUTO(type, free_function)                                                               \
    static inline void free_function##_p(type **pointer)                                                     \
    {                                                                                                        \
        free_function(*pointer);                                                                             \
        *pointer = NULL;                                                                                     \
    }

/* Yields the pointer's value and leaves NULL behind. */
#define belay_take(pointer)                                                                                  \
    __extension__({                                                                                          \
        __typeof__(pointer) taken_ = (pointer);                                                              \
        (pointer) = NULL;                                                                                    \
        taken_;                                                                                              \
    })

#define BELAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

void *belay_alloc(size_t size_bytes) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *belay_realloc_array(void *pointer, size_t count, size_t size_bytes) __attribute__((returns_nonnull));
char *belay_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *belay_strndup(const char *text, size_t length) __attribute__((malloc, returns_nonnull));
char *belay_format(const char *format, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull));

/* NULL when there is no memory; not zeroed. */
void *belay_try_alloc(size_t size_bytes, belay_error *err);

static inline void belay_free(void *pointer)
{
    free(pointer);
}
static inline void belay_free_p(void *variable)
{
    void **pointer = variable;
    free(*pointer);
    *pointer = NULL;
}

/* Zeroes before freeing: for secrets. NULL is fine. */
void belay_free_secret(char *text);
BELAY_DEFINE_AUTO(char, belay_free_secret)

typedef struct belay_arena belay_arena;
belay_arena *belay_arena_new(void);
void belay_arena_free(belay_arena *arena);
BELAY_DEFINE_AUTO(belay_arena, belay_arena_free)
void *belay_arena_alloc(belay_arena *arena, size_t size_bytes)
    __attribute__((returns_nonnull)); /* zeroed, aligned to 16 */
char *belay_arena_strdup(belay_arena *arena, const char *text) __attribute__((returns_nonnull));
char *belay_arena_strndup(belay_arena *arena, const char *text, size_t length)
    __attribute__((returns_nonnull));
char *belay_arena_format(belay_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

#endif
