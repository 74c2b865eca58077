#include "util/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Noreturn static void out_of_memory(size_t size_bytes)
{
    fprintf(stderr, "belay: out of memory (%zu bytes wanted); if a run was under way, type: belay recover\n",
        size_bytes);
    abort();
}

void *belay_alloc(size_t size_bytes)
{
    void *memory = calloc(1, size_bytes == 0 ? 1 : size_bytes);
    if (memory == NULL)
        out_of_memory(size_bytes);
    return memory;
}

void *belay_realloc_array(void *pointer, size_t count, size_t size_bytes)
{
    void *memory = reallocarray(pointer, count == 0 ? 1 : count, size_bytes == 0 ? 1 : size_bytes);
    if (memory == NULL)
        out_of_memory(count);
    return memory;
}

char *belay_strndup(const char *text, size_t length)
{
    char *copy = belay_alloc(length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *belay_strdup(const char *text)
{
    return belay_strndup(text, strlen(text));
}

char *belay_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        out_of_memory(0);
    return text;
}

void *belay_try_alloc(size_t size_bytes, belay_error *err)
{
    void *memory = malloc(size_bytes == 0 ? 1 : size_bytes);
    if (memory == NULL)
        belay_fail(err, BELAY_E_NO_MEMORY, "no memory for a buffer of %zu bytes", size_bytes);
    return memory;
}

void belay_free_secret(char *text)
{
    if (text == NULL)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

typedef struct block {
    struct block *next;
    size_t used;
    size_t size;
    _Alignas(16) unsigned char data[];
} block;

struct belay_arena {
    block *blocks;
};

enum { ARENA_BLOCK_BYTES = 64 * 1024 };

belay_arena *belay_arena_new(void)
{
    return belay_alloc(sizeof(belay_arena));
}

void belay_arena_free(belay_arena *arena)
{
    if (arena == NULL)
        return;
    for (block *b = arena->blocks; b != NULL;) {
        block *next = b->next;
        free(b);
        b = next;
    }
    free(arena);
}

void *belay_arena_alloc(belay_arena *arena, size_t size_bytes)
{
    if (size_bytes > SIZE_MAX / 2)
        out_of_memory(size_bytes);
    size_t wanted = (size_bytes + 15) & ~(size_t)15;
    block *b = arena->blocks;
    if (b == NULL || b->size - b->used < wanted) {
        size_t size = wanted > ARENA_BLOCK_BYTES ? wanted : ARENA_BLOCK_BYTES;
        b = belay_alloc(sizeof(block) + size);
        b->size = size;
        b->next = arena->blocks;
        arena->blocks = b;
    }
    void *memory = b->data + b->used;
    b->used += wanted;
    return memory;
}

char *belay_arena_strndup(belay_arena *arena, const char *text, size_t length)
{
    char *copy = belay_arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *belay_arena_strdup(belay_arena *arena, const char *text)
{
    return belay_arena_strndup(arena, text, strlen(text));
}

char *belay_arena_format(belay_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    BELAY_AUTO(belay_free) char *text = NULL;
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        out_of_memory(0);
    return belay_arena_strndup(arena, text, (size_t)length);
}
