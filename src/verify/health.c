#include "verify/health.h"

#define CURL_DISABLE_TYPECHECK /* its macros call the functions by name */
#include <curl/curl.h>

#include "remote/hosts.h"
#include "util/clock.h"
#include "util/library.h"
#include "util/stop.h"

enum { TRY_MS = 10 * 1000, FIRST_PAUSE_MS = 200, OUTPUT_MAX_BYTES = 4096 };

#define LIBCURL_FUNCTIONS(X)                                                                                 \
    X(curl_easy_cleanup)                                                                                     \
    X(curl_easy_getinfo)                                                                                     \
    X(curl_easy_init)                                                                                        \
    X(curl_easy_perform)                                                                                     \
    X(curl_easy_setopt)                                                                                      \
    X(curl_easy_strerror)                                                                                    \
    X(curl_free)                                                                                             \
    X(curl_global_cleanup)                                                                                   \
    X(curl_global_init)                                                                                      \
    X(curl_url)                                                                                              \
    X(curl_url_cleanup)                                                                                      \
    X(curl_url_get)                                                                                          \
    X(curl_url_set)

BELAY_LIBRARY(lib, BELAY_SONAME_LIBCURL, "libcurl4", LIBCURL_FUNCTIONS)

static void end_transfer(CURL *transfer)
{
    lib.curl_easy_cleanup(transfer);
}
BELAY_DEFINE_AUTO(CURL, end_transfer)

static void free_url(CURLU *url)
{
    lib.curl_url_cleanup(url);
}
BELAY_DEFINE_AUTO(CURLU, free_url)

/* A command may say anything; only its beginning is kept. */
static void keep_line(void *context, const char *host, bool is_stderr, const char *line)
{
    belay_str *said = context;
    (void)is_stderr;
    BELAY_AUTO(belay_free)
    char *text = belay_format("%s%s%s", host == NULL ? "" : host, host == NULL ? "" : ": ", line);
    if (said->length + strlen(text) + 2 >= OUTPUT_MAX_BYTES)
        return;
    belay_str_append(said, said->length == 0 ? "" : "\n");
    belay_str_append(said, text);
}

static bool try_command(const belay_target *target, int64_t timeout_ms, belay_error *err)
{
    BELAY_AUTO(belay_str_done) belay_str said = BELAY_STR_MAX(OUTPUT_MAX_BYTES);
    const belay_host_run how = {.target = target,
        .command = &target->health_command,
        .what = "health_command",
        .timeout_ms = timeout_ms,
        .on_line = keep_line,
        .context = &said};
    if (belay_hosts_run(&how, err))
        return true;
    if (err == NULL || err->code != BELAY_E_PROCESS)
        return false;
    err->code = BELAY_E_HEALTH;
    return belay_error_detail(
        err, "%s%s%s", err->detail, err->detail[0] == '\0' ? "" : "\n", belay_str_text(&said));
}

/* The URL without user and password. */
static char *shown_url(const char *url)
{
    BELAY_AUTO(free_url) CURLU *parts = lib.curl_url();
    char *text = NULL;
    if (parts == NULL || lib.curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK)
        return belay_strdup("(cannot be read)");
    lib.curl_url_set(parts, CURLUPART_USER, NULL, 0);
    lib.curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);
    if (lib.curl_url_get(parts, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return belay_strdup("(cannot be read)");
    char *shown = belay_strdup(text);
    lib.curl_free(text);
    return shown;
}

static size_t drop_body(char *data, size_t size, size_t count, void *context)
{
    (void)data, (void)context;
    return size * count;
}

static int stop_transfer(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)context, (void)a, (void)b, (void)c, (void)d;
    return belay_stop_requested() ? 1 : 0;
}

static bool set_up(CURL *curl, const char *url, int64_t timeout_ms, char *reason)
{
    return lib.curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_USERAGENT, "belay") == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_body) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           lib.curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, stop_transfer) == CURLE_OK;
}

static bool try_url(const belay_target *target, int64_t timeout_ms, belay_error *err)
{
    if (target->health_url == NULL)
        return true;
    BELAY_AUTO(belay_free) char *shown = shown_url(target->health_url);
    BELAY_AUTO(end_transfer) CURL *curl = lib.curl_easy_init();
    char reason[CURL_ERROR_SIZE] = "";
    if (curl == NULL || !set_up(curl, target->health_url, timeout_ms, reason))
        return belay_fail(err, BELAY_E_HEALTH, "health_url %s cannot be asked: %s", shown, reason);
    CURLcode code = lib.curl_easy_perform(curl);
    if (!belay_stop_check(err))
        return false;
    long status = 0;
    if (code != CURLE_OK)
        return belay_fail(err, BELAY_E_HEALTH, "health_url %s: %s", shown,
            reason[0] != '\0' ? reason : lib.curl_easy_strerror(code));
    lib.curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status <= 299)
        return true;
    return belay_fail(err, BELAY_E_HEALTH, "health_url %s answers %ld, not 2xx", shown, status);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool belay_health_wanted(const belay_target *target)
{
    return target->health_url != NULL || target->health_command.command != NULL;
}

static bool try_both(const belay_target *target, int64_t end_ms, belay_error *err)
{
    /* The first try always happens, however short the time. */
    int64_t left_ms = end_ms - belay_now_ms();
    int64_t command_ms = least(left_ms < 1000 ? 1000 : left_ms, TRY_MS);
    if (!try_command(target, command_ms, err))
        return false;
    left_ms = end_ms - belay_now_ms();
    return try_url(target, least(left_ms < 1000 ? 1000 : left_ms, TRY_MS), err);
}

/* Nobody can be asked: that says nothing of the application, and must not make it unhealthy. */
static bool is_unknown(const belay_error *err)
{
    return err->code != BELAY_E_HEALTH && err->code != BELAY_E_DEADLINE;
}

static bool give_up(const belay_error *last, int tries, int64_t took_ms, belay_error *err)
{
    if (err != NULL)
        *err = *last;
    if (err == NULL || is_unknown(last))
        return false;
    err->code = BELAY_E_HEALTH;
    belay_error_prefix(
        err, "unhealthy after %d %s in %.1f s", tries, tries == 1 ? "try" : "tries", (double)took_ms / 1000);
    return belay_error_hint(
        err, "look at the application's log; `on_unhealthy` of the target says what belay does about it");
}

/* Pauses double; the first is such that the retries together fill the time. */
static int64_t first_pause(const belay_target *target)
{
    int doublings = target->health_retries < 20 ? target->health_retries : 20;
    int64_t parts = ((int64_t)1 << doublings) - 1;
    int64_t pause_ms = parts == 0 ? 0 : target->health_timeout_ms / parts;
    return pause_ms < FIRST_PAUSE_MS ? FIRST_PAUSE_MS : pause_ms;
}

bool belay_health_can_ask(const belay_target *target, belay_error *err)
{
    if (target->health_url == NULL || belay_library_load(&lib_library, err))
        return true;
    return belay_error_prefix(err, "health_url cannot be asked");
}

static bool try_until_healthy(const belay_target *target, belay_reporter *reporter, belay_error *err)
{
    const int64_t begun_ms = belay_now_ms();
    const int64_t end_ms = begun_ms + target->health_timeout_ms;
    int64_t pause_ms = first_pause(target);
    for (int tries = 1;; tries++) {
        belay_error why = {0};
        if (try_both(target, end_ms, &why)) {
            belay_say(
                reporter, BELAY_INFO, "healthy after %.1f s", (double)(belay_now_ms() - begun_ms) / 1000);
            return true;
        }
        int64_t left_ms = end_ms - belay_now_ms();
        if (why.code == BELAY_E_CANCELLED || left_ms <= 0 || tries > target->health_retries)
            return give_up(&why, tries, belay_now_ms() - begun_ms, err);
        belay_say(reporter, tries == 1 ? BELAY_INFO : BELAY_DEBUG, "not healthy yet: %s", why.message);
        if (belay_stop_wait(least(pause_ms, left_ms)))
            return belay_stop_check(err);
        pause_ms *= 2;
    }
}

bool belay_health_check(const belay_target *target, belay_reporter *reporter, belay_error *err)
{
    if (!belay_health_wanted(target))
        return true;
    if (!belay_health_can_ask(target, err))
        return false;
    if (target->health_url == NULL)
        return try_until_healthy(target, reporter, err);
    if (lib.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return belay_fail(err, BELAY_E_NO_MEMORY, "no memory for libcurl");
    bool healthy = try_until_healthy(target, reporter, err);
    lib.curl_global_cleanup();
    return healthy;
}
