//! Floor 6: other ways out, no terminal.
