//! Floor 4: the filter language.
