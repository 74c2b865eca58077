/* Pre-flight: the keys of snapshots. What a run writes it must be able to read and willing to use, here and
 * after a crash. */
#include "preflight/checks.h"
#include "seal/keyring.h"

/* Beside a twin the snapshot is only the second way back. */
static void add_unusable(const belay_preflight *context, belay_check_report *report, const char *name,
    const char *message, const char *hint)
{
    belay_check_report_add(
        report, name, belay_preflight_wants_twin(context) ? BELAY_WARNING : BELAY_REFUSE, message, hint);
}

static void look_at_identity(const belay_preflight *context, belay_keyring *keyring,
    const belay_age_recipients *recipients, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    const belay_age_identities *identities = NULL;
    if (context->target->identity.count == 0) {
        add_unusable(context, report, name,
            "snapshots are encrypted, and the target names no identity: the run could not go back to its own",
            "set `identity`, or the variable BELAY_IDENTITY, to the file of a private key of encrypt_to");
        return;
    }
    if (!belay_keyring_identities(keyring, &identities, &err)) {
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
        return;
    }
    for (size_t i = 0; i < identities->count; i++) {
        if (belay_age_recipients_has(recipients, identities->items[i].recipient))
            return;
    }
    add_unusable(context, report, name,
        "snapshots are encrypted to others than `identity`: the run could not go back to its own",
        "add its recipient, which `belay key show FILE` prints, to encrypt_to");
}

static void look_at_signer(
    const belay_preflight *context, belay_keyring *keyring, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    const belay_signer *signer = NULL;
    if (!belay_keyring_check_signer(keyring, &err) || !belay_keyring_signer(keyring, &signer, &err))
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
    else if (signer == NULL && context->target->require_signature.count > 0)
        add_unusable(context, report, name,
            "require_signature wants signed snapshots, and the target signs none: the run could not go back "
            "to "
            "its own",
            "set `sign_with` to the private key of require_signature; `belay key show FILE` prints the "
            "public "
            "one");
}

void belay_check_keys(const belay_preflight *context, belay_check_report *report, const char *name)
{
    belay_error err = {0};
    const belay_age_recipients *recipients = NULL;
    if (!belay_preflight_wants_snapshot(context))
        return;
    BELAY_AUTO(belay_keyring_free) belay_keyring *keyring = belay_keyring_new(context->target);
    if (!belay_keyring_recipients(keyring, &recipients, &err))
        belay_check_report_add_error(report, name, BELAY_REFUSE, &err);
    else if (recipients->count > 0)
        look_at_identity(context, keyring, recipients, report, name);
    look_at_signer(context, keyring, report, name);
}
