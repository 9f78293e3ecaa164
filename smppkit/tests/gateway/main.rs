//! The gateway as its users run it: the binary, killed and started again on the same data, between ESMEs
//! and message centres that the tests play.

mod accounts;
mod broadcast;
mod certificates;
mod disk;
mod drain;
mod errors;
mod harness;
mod hours;
mod kills;
mod life;
mod order;
mod overload;
mod overload_long;
mod pending;
mod receipts;
mod reload;
mod restart;
mod slow;
mod times;
