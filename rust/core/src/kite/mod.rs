//! kite
