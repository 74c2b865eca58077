/* "Never commit database credentials": finds literal passwords in files that git tracks. */
#ifndef BELAY_CONFIG_TRACKED_H
#define BELAY_CONFIG_TRACKED_H

#include <stdbool.h>

/* Is anything of the password in this text (a URL or a libpq keyword string, not yet expanded) literal, not
 * from a ${VARIABLE}? */
bool belay_url_has_literal_password(const char *text);
/* Has the text anything beyond ${VARIABLE} references? */
bool belay_text_is_literal(const char *text);
/* Starts git; false when git is not there, or the file is not tracked. */
bool belay_git_tracks(const char *path);

#endif
