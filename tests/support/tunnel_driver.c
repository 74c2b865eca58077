/* Keeps a tunnel open for tests and benches: tunnel_driver SSH_ADDRESS KEY KNOWN_HOSTS HOST PORT [SSLMODE].
 * Prints the local end as "host=... port=...", and ends with its standard input. */
#include <stdio.h>

#include "remote/tunnel_dialer.h"
#include "util/stop.h"

int main(int argc, char **argv)
{
    belay_error err = {0};
    BELAY_AUTO(belay_conninfo_done) belay_conninfo info = {0}, end = {0};
    if (argc < 6) {
        fprintf(stderr, "usage: tunnel_driver SSH_ADDRESS KEY KNOWN_HOSTS HOST PORT [SSLMODE]\n");
        return 2;
    }
    belay_ssh_login login = {.address = argv[1], .key = argv[2], .known_hosts = argv[3]};
    belay_conninfo_set(&info, "host", argv[4]);
    belay_conninfo_set(&info, "port", argv[5]);
    if (argc > 6)
        belay_conninfo_set(&info, "sslmode", argv[6]);
    belay_tunnel_dialer dialer;
    belay_tunnel_dialer_init(&dialer, &info, &login);
    bool ok = belay_stop_install(&err) && dialer.base.address(&dialer.base, NULL, &end, &err);
    if (ok) {
        const char *address = belay_conninfo_get(&end, "hostaddr");
        printf("host=%s port=%s%s%s\n", belay_conninfo_get(&end, "host"), belay_conninfo_get(&end, "port"),
            address == NULL ? "" : " hostaddr=", address == NULL ? "" : address);
        fflush(stdout);
        while (getchar() != EOF) {
        }
    } else {
        fprintf(stderr, "%s\n%s\n%s\n", err.message, err.detail, err.hint);
    }
    belay_tunnel_dialer_done(&dialer);
    return ok ? 0 : 1;
}
