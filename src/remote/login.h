/* Logging in: the agent's keys, then key files, then the password where one is given. One thread. */
#ifndef BELAY_REMOTE_LOGIN_H
#define BELAY_REMOTE_LOGIN_H

#include "remote/session.h"

/* BELAY_E_SSH with a line for each key that was tried, or left out and why. */
bool belay_ssh_log_in(belay_ssh_session *session, const belay_ssh_endpoint *endpoint,
    const belay_ssh_login *login, int64_t deadline_ms, belay_error *err);

#endif
