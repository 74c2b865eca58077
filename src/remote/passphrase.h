/* Passphrases of key files, asked for at the terminal once in a process and kept in memory until its end: a
 * run opens many sessions with the same key. Any thread; blocks while a person types.
 */
#ifndef BELAY_REMOTE_PASSPHRASE_H
#define BELAY_REMOTE_PASSPHRASE_H

/* Valid until the process ends. NULL when there is no terminal, or nothing was typed. A wrong one is
 * forgotten by belay_passphrase_forget, so that the next session asks again. */
const char *belay_passphrase_of(const char *path);
void belay_passphrase_forget(const char *path);

#endif
