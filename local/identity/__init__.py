"""The sign-in of the local stack: an issuer that speaks Entra's protocol for sample people."""
