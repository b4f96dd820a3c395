//! Examples, one file a story.
