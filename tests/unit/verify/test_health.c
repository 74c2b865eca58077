/* The health check against commands and a small web server of its own. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
// after setjmp.h and stdarg.h, which it needs
#include <cmocka.h>

#include "verify/health.h"

typedef struct server {
    int fd;
    int port;
    const char *const *answers; /* one per connection; the last one again and again */
    size_t answer_count;
    size_t served;
    pthread_t thread;
} server;

static void *serve(void *context)
{
    server *s = context;
    for (;;) {
        int client = accept(s->fd, NULL, NULL);
        if (client < 0)
            return NULL;
        char request[4096];
        const char *answer = s->answers[s->served < s->answer_count ? s->served : s->answer_count - 1];
        s->served++;
        if (read(client, request, sizeof request) > 0 && write(client, answer, strlen(answer)) < 0)
            perror("write");
        close(client);
    }
}

/* A machine, or a namespace, without any network has not even this. */
static void need_loopback(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bool there = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    if (!there)
        skip();
}

static void start(server *s, const char *const *answers, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    *s = (server){.fd = socket(AF_INET, SOCK_STREAM, 0), .answers = answers, .answer_count = count};
    assert_int_equal(bind(s->fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &length), 0);
    s->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static const char ok[] = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
static const char busy[] = "HTTP/1.1 503 Not Yet\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
static const char moved[] =
    "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

static void nothing_asked_is_healthy(void **state)
{
    (void)state;
    belay_target target = {0};
    assert_true(belay_health_check(&target, NULL, NULL));
}

static void url_is_tried_until_2xx(void **state)
{
    (void)state;
    need_loopback();
    const char *const answers[] = {busy, busy, ok};
    server s;
    start(&s, answers, 3);
    BELAY_AUTO(belay_free) char *url = belay_format("http://127.0.0.1:%d/health", s.port);
    belay_target target = {.health_url = url, .health_timeout_ms = 1500, .health_retries = 5};
    belay_error err = {0};
    assert_true(belay_health_check(&target, NULL, &err));
    stop(&s);
    assert_int_equal(s.served, 3);
}

static void redirect_is_not_healthy_and_password_not_shown(void **state)
{
    (void)state;
    need_loopback();
    const char *const answers[] = {moved};
    server s;
    start(&s, answers, 1);
    BELAY_AUTO(belay_free) char *url = belay_format("http://probe:hunter2@127.0.0.1:%d/", s.port);
    belay_target target = {.health_url = url, .health_timeout_ms = 1};
    belay_error err = {0};
    assert_false(belay_health_check(&target, NULL, &err));
    stop(&s);
    assert_int_equal(err.code, BELAY_E_HEALTH);
    assert_non_null(strstr(err.message, "answers 302, not 2xx"));
    assert_null(strstr(err.message, "hunter2"));
}

static void nobody_listens(void **state)
{
    (void)state;
    belay_target target = {
        .health_url = "http://127.0.0.1:1/", .health_timeout_ms = 300, .health_retries = 5};
    belay_error err = {0};
    assert_false(belay_health_check(&target, NULL, &err));
    assert_int_equal(err.code, BELAY_E_HEALTH);
    assert_non_null(strstr(err.message, "unhealthy after"));
}

static void file_urls_are_refused(void **state)
{
    (void)state;
    belay_target target = {.health_url = "file:///etc/hostname", .health_timeout_ms = 1};
    belay_error err = {0};
    assert_false(belay_health_check(&target, NULL, &err));
    assert_int_equal(err.code, BELAY_E_HEALTH);
}

static void command_tells_by_its_status(void **state)
{
    (void)state;
    belay_target target = {.health_timeout_ms = 1, .project_root = "/"};
    belay_error err = {0};
    target.health_command.command = "test -d etc";
    assert_true(belay_health_check(&target, NULL, &err));
    target.health_command.command = "echo no answer from the bank >&2; exit 3";
    assert_false(belay_health_check(&target, NULL, &err));
    assert_int_equal(err.code, BELAY_E_HEALTH);
    assert_non_null(strstr(err.message, "status 3"));
    assert_non_null(strstr(err.detail, "no answer from the bank"));
}

/* on_unhealthy = restore must not throw a migration away because a network is down. */
static void a_host_that_cannot_be_asked_is_not_called_unhealthy(void **state)
{
    (void)state;
    belay_host host = {.name = "web1", .ssh = {.address = "nobody@127.0.0.1:1"}};
    belay_target target = {.health_timeout_ms = 1, .hosts = &host, .host_count = 1, .hosts_at_once = 1};
    belay_error err = {0};
    target.health_command.command = "true";
    belay_list_add(&target.health_command.hosts, "web1");
    assert_false(belay_health_check(&target, NULL, &err));
    assert_int_equal(err.code, BELAY_E_SSH);
    assert_non_null(strstr(err.message, "host web1"));
    belay_list_done(&target.health_command.hosts);
}

/* What cannot be done here says nothing of the application either. */
static void known_hosts_that_cannot_be_read_do_not_make_it_unhealthy(void **state)
{
    (void)state;
    char path[] = "/tmp/belay-health-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    dprintf(fd, "|1|hashed|name ssh-ed25519 key\n");
    close(fd);
    setenv("BELAY_SSH", "", 1);
    setenv("BELAY_SSH_KEYGEN", "", 1);
    belay_host host = {.name = "web1", .ssh = {.address = "me@127.0.0.1:1", .known_hosts = path}};
    belay_target target = {.health_timeout_ms = 1, .hosts = &host, .host_count = 1, .hosts_at_once = 1};
    belay_error err = {0};
    target.health_command.command = "true";
    belay_list_add(&target.health_command.hosts, "web1");
    assert_false(belay_health_check(&target, NULL, &err));
    assert_int_equal(err.code, BELAY_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "a hashed name"));
    belay_list_done(&target.health_command.hosts);
    unsetenv("BELAY_SSH");
    unsetenv("BELAY_SSH_KEYGEN");
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_is_healthy),
        cmocka_unit_test(url_is_tried_until_2xx),
        cmocka_unit_test(redirect_is_not_healthy_and_password_not_shown),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(file_urls_are_refused),
        cmocka_unit_test(command_tells_by_its_status),
        cmocka_unit_test(a_host_that_cannot_be_asked_is_not_called_unhealthy),
        cmocka_unit_test(known_hosts_that_cannot_be_read_do_not_make_it_unhealthy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
