/* The store behind an SFTP server: sftp://[user@]host[:port]/path, /~/path below the user's own folder there.
 * The host may be an alias of ssh_config(5). Opened through belay_store_open.
 *
 * Everything that store.h promises, with what SFTP has. Durable: by fsync@openssh.com where the server has
 * it; `caveat` says so where it has not. A connection that is lost is made again, for two minutes; nothing is
 * written twice by it, since each byte has its place. Names are replaced at once by posix-rename@openssh.com;
 * without it a file that is replaced is missing for a moment, and after a crash in between until it is
 * written again: what belay replaces (reports, proofs) counts as not there then, and the .part beside it as
 * unfinished. There are no locks: is_held says yes for 15 minutes after the last change, by the server's
 * clock. */
#ifndef BELAY_STORE_SFTP_H
#define BELAY_STORE_SFTP_H

#include "store/store.h"

bool belay_store_open_sftp(
    const char *url, const belay_store_options *options, belay_store **ret, belay_error *err);

#endif
