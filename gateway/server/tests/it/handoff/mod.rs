//! Two municipalities, two gateways, two logs, over mutual TLS. All people are invented.

mod births;
mod care;
mod evidence;
mod family;
mod forge;
mod guest;
mod hostile;
mod kill;
mod people;
mod reports;
mod requests;
mod rig;
mod story;
mod watch;
