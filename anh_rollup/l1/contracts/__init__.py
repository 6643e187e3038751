"""One wrapper for each contract: reads give records, moves give requests that the sender carries out."""
