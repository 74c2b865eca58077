/* Runs a fuzz target over the files of a folder: what the unit tests do with the seeds. */
#include <dirent.h>
#include <stdio.h>

#include "util/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL)
        return 2;
    int count = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        BELAY_AUTO(belay_free) char *path = belay_path_join(argv[1], entry->d_name);
        BELAY_AUTO(belay_free) char *text = NULL;
        size_t length = 0;
        if (!belay_read_file(path, (size_t)1 << 26, &text, &length, NULL))
            return 1;
        printf("%s\n", entry->d_name);
        fflush(stdout);
        LLVMFuzzerTestOneInput((const uint8_t *)text, length);
        count++;
    }
    closedir(folder);
    printf("%d seeds\n", count);
    return count == 0;
}
