//! Two municipalities, two gateways, two logs, over mutual TLS. All people are invented.

mod hostile;
mod people;
mod rig;
mod story;
