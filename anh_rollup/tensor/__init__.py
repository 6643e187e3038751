"""Pure tensor programs: instructions, programs, and the builder that proves their ranges."""
