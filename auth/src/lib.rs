//! Who is calling, and on whose behalf: card, tokens, pairwise ids, organization certificates, policy. No I/O.
