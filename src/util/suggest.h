/* "Did you mean ...": the candidate nearest to a word that is not known. Thread-safe. */
#ifndef BELAY_UTIL_SUGGEST_H
#define BELAY_UTIL_SUGGEST_H

#include <stddef.h>

#include "util/str.h"

/* Number of single-character insertions, deletions, replacements and swaps of neighbours between two words,
 * case aside; words over 63 bytes count as far away. */
size_t belay_edit_distance(const char *a, const char *b);
/* The nearest candidate, NULL when none is near enough to be what was meant. Borrowed from the list. */
const char *belay_nearest(const char *word, const belay_list *candidates);

#endif
