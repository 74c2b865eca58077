#include "remote/address.h"

#include "util/str.h"

#define WANTED "wanted is user@host, user@host:port, [::1]:port, or an alias of ~/.ssh/config"

/* What ssh(1) refuses on its command line as well, with those that divide names in its files. */
static const char never_in_host[] = "'`\"$\\;&<>|(){}*?!,/@#";
static const char never_in_user[] = "'`\";&<>|(){}";

static bool has_blank(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return true;
    }
    return false;
}

static bool check_word(
    const char *word, const char *never, const char *kind, const char *what, belay_error *err)
{
    BELAY_AUTO(belay_free) char *shown = belay_printable(word, "");
    size_t bad = strcspn(word, never);
    if (*word == '\0')
        belay_fail(err, BELAY_E_CONFIG, "%s has no %s", what, kind);
    else if (has_blank(word))
        belay_fail(err, BELAY_E_CONFIG, "%s: the %s \"%s\" has white space or a control character in it",
            what, kind, shown);
    else if (*word == '-')
        belay_fail(
            err, BELAY_E_CONFIG, "%s: the %s \"%s\" begins with a dash, as options do", what, kind, shown);
    else if (word[bad] != '\0')
        belay_fail(err, BELAY_E_CONFIG, "%s: the %s \"%s\" has a %c in it", what, kind, shown, word[bad]);
    else
        return true;
    return belay_error_hint(err, WANTED);
}

bool belay_ssh_check_host(const char *host, const char *what, belay_error *err)
{
    return check_word(host, never_in_host, "host", what, err);
}

bool belay_ssh_check_user(const char *user, const char *what, belay_error *err)
{
    if (!check_word(user, never_in_user, "user", what, err))
        return false;
    if (!belay_ends_with(user, "\\"))
        return true;
    belay_fail(err, BELAY_E_CONFIG, "%s: the user \"%s\" ends with a backslash", what, user);
    return belay_error_hint(err, WANTED);
}

static bool parse_port(const char *text, int *ret, belay_error *err)
{
    long long port = 0;
    if (strspn(text, "0123456789") == strlen(text) && belay_parse_int64(text, &port) && port > 0 &&
        port <= 65535) {
        *ret = (int)port;
        return true;
    }
    BELAY_AUTO(belay_free) char *shown = belay_printable(text, "");
    belay_fail(err, BELAY_E_CONFIG, "\"%s\" is no port: a number from 1 to 65535 is wanted", shown);
    return belay_error_hint(err, WANTED);
}

/* host, host:port, [host]:port, or an IPv6 address alone. */
static bool parse_place(const char *text, belay_ssh_address *to, belay_error *err)
{
    const char *colon = strchr(text, ':');
    const char *close = strchr(text, ']');
    if (*text == '[') {
        if (close == NULL || (close[1] != '\0' && close[1] != ':')) {
            belay_fail(err, BELAY_E_CONFIG, "\"%s\" has an opening bracket without its end", text);
            return belay_error_hint(err, WANTED);
        }
        to->host = belay_strndup(text + 1, (size_t)(close - text) - 1);
        return close[1] == '\0' || parse_port(close + 2, &to->port, err);
    }
    if (colon == NULL || strchr(colon + 1, ':') != NULL) {
        to->host = belay_strdup(text);
        return true;
    }
    to->host = belay_strndup(text, (size_t)(colon - text));
    return parse_port(colon + 1, &to->port, err);
}

static bool parse(const char *text, belay_ssh_address *to, belay_error *err)
{
    const char *at = strrchr(text, '@');
    const char *scheme = strstr(text, "://");
    const char *start = scheme == NULL ? text : scheme + 3;
    if (at != NULL && at > start && memchr(start, ':', (size_t)(at - start)) != NULL) {
        belay_fail(err, BELAY_E_CONFIG,
            "the SSH address of %s has a password, or something else with a colon, before the @", at + 1);
        return belay_error_hint(
            err, "write user@host; a password is given as ssh_password = ${VARIABLE}, and a key is better");
    }
    if (scheme != NULL) {
        belay_fail(err, BELAY_E_CONFIG, "the SSH address %s is a URL", text);
        return belay_error_hint(err, WANTED);
    }
    BELAY_AUTO(belay_free) char *what = belay_format("the SSH address %s", text);
    if (at != NULL) {
        to->user = belay_strndup(text, (size_t)(at - text));
        if (!belay_ssh_check_user(to->user, what, err))
            return false;
    }
    return parse_place(at == NULL ? text : at + 1, to, err) && belay_ssh_check_host(to->host, what, err);
}

bool belay_ssh_address_parse(const char *text, belay_ssh_address *ret, belay_error *err)
{
    belay_ssh_address found = {0};
    if (!parse(text, &found, err)) {
        belay_ssh_address_done(&found);
        return false;
    }
    *ret = found;
    return true;
}

void belay_ssh_address_done(belay_ssh_address *address)
{
    free(address->user);
    free(address->host);
    *address = (belay_ssh_address){0};
}

char *belay_ssh_address_word(const char *address, const char *program)
{
    BELAY_AUTO(belay_ssh_address_done) belay_ssh_address parts = {0};
    bool has_port = belay_ssh_address_parse(address, &parts, NULL) && parts.port != 0;
    return has_port ? belay_format("%s://%s", program, address) : belay_strdup(address);
}
