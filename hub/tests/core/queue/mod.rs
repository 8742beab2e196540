//! The queue of jobs: a job exists with what caused it, is one worker's at a time, ends once, waits longer each time it fails, and stays for an
//! operator when it is dead. What comes round comes once, whatever the clock does.

mod bench;
mod ends;
mod leases;
mod operator;
mod putting_in;
mod schedules;
mod workers;
