#include "util/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util/stop.h"

int64_t belay_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

time_t belay_now_utc(void)
{
    return time(NULL);
}

void belay_format_utc(time_t when, char buffer[static BELAY_UTC_SIZE])
{
    struct tm parts;
    gmtime_r(&when, &parts);
    strftime(buffer, BELAY_UTC_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

void belay_random_bytes(void *buffer, size_t size_bytes)
{
    unsigned char *to = buffer;
    while (size_bytes > 0) {
        ssize_t got = getrandom(to, size_bytes, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            abort(); /* cannot happen on a kernel that has getrandom(2) */
        }
        to += got;
        size_bytes -= (size_t)got;
    }
}

uint32_t belay_random_below(uint32_t bound)
{
    uint32_t value;
    belay_random_bytes(&value, sizeof value);
    return (uint32_t)(((uint64_t)value * bound) >> 32);
}

void belay_new_run_id(char buffer[static BELAY_RUN_ID_SIZE])
{
    time_t now = belay_now_utc();
    struct tm parts;
    gmtime_r(&now, &parts);
    size_t length = strftime(buffer, BELAY_RUN_ID_SIZE, "%Y%m%dT%H%M%SZ", &parts);
    unsigned char noise[3];
    belay_random_bytes(noise, sizeof noise);
    snprintf(buffer + length, BELAY_RUN_ID_SIZE - length, "-%02x%02x%02x", noise[0], noise[1], noise[2]);
}

void belay_sleep_ms(int64_t duration_ms)
{
    belay_stop_wait(duration_ms);
}

bool belay_id_time(const char *id, size_t length, time_t *ret)
{
    enum { LENGTH = 23, TIME_LENGTH = 16 };
    struct tm when = {0};
    char text[TIME_LENGTH + 1] = "";
    if (length != LENGTH || id[TIME_LENGTH] != '-' ||
        strspn(id + TIME_LENGTH + 1, "0123456789abcdef") < LENGTH - TIME_LENGTH - 1)
        return false;
    memcpy(text, id, TIME_LENGTH);
    const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &when);
    if (end == NULL || *end != '\0')
        return false;
    *ret = timegm(&when);
    return true;
}
