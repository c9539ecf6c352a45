//! Load tests: every claim about the two servers, put to the proof.
