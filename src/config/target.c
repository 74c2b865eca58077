#include "config/target.h"

const char *belay_environment_name(belay_environment environment)
{
    static const char *const names[] = {"development", "staging", "production"};
    return names[environment];
}

bool belay_copy_format_find(const char *name, belay_copy_format *ret)
{
    static const char *const names[] = {"auto", "text", "binary"};
    for (size_t i = 0; i < BELAY_COUNT(names); i++) {
        if (belay_equal(names[i], name)) {
            *ret = (belay_copy_format)i;
            return true;
        }
    }
    return false;
}

static char *copy_of(const char *text)
{
    return text == NULL ? NULL : belay_strdup(text);
}

void belay_ssh_login_copy(belay_ssh_login *to, const belay_ssh_login *from)
{
    *to = (belay_ssh_login){.address = copy_of(from->address),
        .key = copy_of(from->key),
        .passphrase = copy_of(from->passphrase),
        .password = copy_of(from->password),
        .known_hosts = copy_of(from->known_hosts),
        .target = copy_of(from->target)};
}

void belay_ssh_login_done(belay_ssh_login *login)
{
    free(login->address);
    free(login->key);
    belay_free_secret(login->passphrase);
    belay_free_secret(login->password);
    free(login->known_hosts);
    free(login->target);
    *login = (belay_ssh_login){0};
}

static void host_command_done(belay_host_command *command)
{
    free(command->command);
    belay_list_done(&command->hosts);
}

void belay_target_done(belay_target *target)
{
    free(target->name);
    belay_conninfo_done(&target->connection);
    free(target->store);
    belay_free_secret(target->store_url);
    belay_ssh_login_done(&target->store_login);
    free(target->engine);
    free(target->maintenance_db);
    belay_ssh_login_done(&target->ssh);
    belay_list_done(&target->verify_sql);
    belay_free_secret(target->health_url);
    host_command_done(&target->health_command);
    host_command_done(&target->stop_command);
    host_command_done(&target->start_command);
    host_command_done(&target->pull_command);
    for (size_t i = 0; i < target->logs.count; i++) {
        free(target->logs.items[i].host);
        free(target->logs.items[i].path);
    }
    free(target->logs.items);
    free(target->version_table);
    free(target->version_table_schema);
    belay_list_done(&target->role_map);
    belay_list_done(&target->encrypt_to);
    belay_list_done(&target->identity);
    free(target->sign_with);
    belay_list_done(&target->require_signature);
    for (size_t i = 0; i < target->host_count; i++) {
        free(target->hosts[i].name);
        belay_ssh_login_done(&target->hosts[i].ssh);
    }
    free(target->hosts);
    free(target->window);
    free(target->migrations);
    free(target->project_root);
    *target = (belay_target){0};
}
