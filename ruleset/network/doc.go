// Package network tells what is known of a client's address: its country, its
// autonomous system (ASN), and the named lists it stands in.
//
// Everything here is read once, is immutable afterwards, and answers from
// memory: a look-up does no I/O, takes no lock and is safe for concurrent use.
// To follow a file that has changed, open it again and swap the pointer. There
// is nothing to close, so nobody can be left reading what has been closed.
//
// An address that is not known is not an error: its country is "", its ASN 0.
// What that means for a request is for the ruleset to say.
//
// It is the only home of the database reader (maxminddb) and of the prefix
// table (bart).
package network
