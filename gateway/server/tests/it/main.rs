//! The server over real sockets.

#[cfg(test)]
mod edge;
#[cfg(test)]
mod house;
