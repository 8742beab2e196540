//! The server's settings, written at every start into a file of their own.
//! They must never let anything reach the server from a network, nor rows into its log.

use super::Durability;
use super::folder::PORT;

/// The settings' file. It is read last of all files, so that only an operator's `alter system` wins over it.
pub(super) const SETTINGS: &str = "mizili.conf";

/// The text of the file; `socket` is the socket's folder. The log gets no details of rows and no statements:
/// they hold people's numbers.
pub(super) fn settings(durability: Durability, socket: &str) -> String {
    let mut text = format!(
        "# Written at every start. To change a setting, use `alter system`.\n\
         listen_addresses = ''\n\
         port = {PORT}\n\
         unix_socket_directories = '{socket}'\n\
         unix_socket_permissions = 0700\n\
         cluster_name = 'mizili'\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         lc_messages = 'C'\n\
         log_error_verbosity = terse\n\
         log_min_error_statement = panic\n\
         log_checkpoints = off\n\
         jit = off\n"
    );
    text.push_str(match durability {
        Durability::Durable => {
            "fsync = on\n\
             full_page_writes = on\n\
             synchronous_commit = on\n\
             max_connections = 100\n\
             shared_buffers = 128MB\n\
             random_page_cost = 1.1\n"
        }
        Durability::Throwaway => {
            "fsync = off\n\
             full_page_writes = off\n\
             synchronous_commit = off\n\
             wal_level = minimal\n\
             max_wal_senders = 0\n\
             autovacuum = off\n\
             max_connections = 200\n\
             shared_buffers = 64MB\n"
        }
    });
    text
}
