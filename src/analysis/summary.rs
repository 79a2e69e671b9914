//! What one row says about its action without opening it.
