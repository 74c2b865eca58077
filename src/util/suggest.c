#include "util/suggest.h"

#include <ctype.h>
#include <stdint.h>

enum { LONGEST = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

size_t belay_edit_distance(const char *a, const char *b)
{
    size_t rows = strlen(a);
    size_t columns = strlen(b);
    if (rows > LONGEST || columns > LONGEST)
        return SIZE_MAX;
    size_t cost[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= rows; i++)
        cost[i][0] = i;
    for (size_t j = 0; j <= columns; j++)
        cost[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            size_t best = least(cost[i - 1][j], cost[i][j - 1]) + 1;
            best = least(best, cost[i - 1][j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                best = least(best, cost[i - 2][j - 2] + 1);
            cost[i][j] = best;
        }
    }
    return cost[rows][columns];
}

const char *belay_nearest(const char *word, const belay_list *candidates)
{
    const char *nearest = NULL;
    size_t length = strlen(word);
    size_t limit = length <= 3 ? 1 : length <= 6 ? 2 : 3;
    size_t best = limit + 1;
    for (size_t i = 0; i < candidates->count; i++) {
        size_t distance = belay_edit_distance(word, candidates->items[i]);
        if (distance < best) {
            best = distance;
            nearest = candidates->items[i];
        }
    }
    return nearest;
}
