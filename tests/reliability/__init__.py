"""What must not happen, whatever happens: the crash matrix, and interleaved workers with a jumping clock."""
