/* The loaded configuration's inside, shared by config.c (loading, checking) and resolve.c (one target). */
#ifndef BELAY_CONFIG_CONFIG_INTERNAL_H
#define BELAY_CONFIG_CONFIG_INTERNAL_H

#include "config/config.h"
#include "config/reader.h"
#include "config/variables.h"

struct belay_config {
    char *path; /* of the INI file, NULL: none */
    char *root; /* project root, absolute */
    char *migrations;
    belay_ini *ini; /* NULL without a file */
    belay_variables variables;
};

/* A file that a key names: from the project root, or `~/` in the home of who runs belay (HOME). The caller
 * frees. */
char *belay_config_file(const char *root, const char *value);

#endif
