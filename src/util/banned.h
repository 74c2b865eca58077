/* Functions that belay's code does not call; included by the build into every source. */
#ifndef BELAY_UTIL_BANNED_H
#define BELAY_UTIL_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll gets

#endif
