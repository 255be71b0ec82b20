//! The command `pmh` as a program: arguments in, lines and exit codes out, against a sandbox that it started itself.

mod audit;
mod births;
mod card;
mod care;
mod checkups;
mod checkups_push;
mod checkups_resume;
mod codes;
mod counter;
mod erase;
mod evidence;
mod issuer;
mod me;
mod municipality;
mod questionnaire;
mod sandbox;
mod search;
mod tickets;
mod vaccinate;
