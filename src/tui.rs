//! Floor 7: the screen.
