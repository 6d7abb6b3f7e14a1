// Package risk asks a remote service for the score of an address: any service
// that answers with JSON over HTTP.
//
//	cache → (one question for each address at a time) → breaker → the service
//
// Such services cost time and money, and learn who your visitors are. So a Service
// is to be asked last, about public addresses only, and says by Known what it can
// tell without asking.
//
// # What goes out
//
// Config has a URL in which {ip} stands for the address; a body may have it, too.
// Nothing but an address in its canonical form ever goes in there, escaped as the
// place wants it: nobody can write into the question.
//
// # What comes back
//
// A JSON Pointer (RFC 6901) says where in the answer the score stands. It is a number,
// a number in a string, or true and false, which are 1 and 0. An answer has at most 64 KiB,
// is UTF-8, and has no member twice on the way to the score. Redirects are not followed.
//
// What is not such an answer with status 200 is no score, and Answer.Err says why, in words
// of our own: neither a header nor the URL nor anything that the service wrote is in
// it. Two kinds are told apart. A fault is the service's: no connection, no answer in
// time, a status of 401, 403, 429 or 5xx, no JSON. Faults open the breaker. A status
// of 400, 404 or 422, and an answer that has no score or null in its place, are about one address: the
// service is there and does not know it. These are kept for a minute, or as long as a score if that
// is shorter, and open nothing: otherwise anybody with addresses that the service does not
// know could turn it off.
//
// # Cache
//
// Scores are kept by address, and of IPv6 by /64, which is what one subscriber has at
// least: whoever could take another address out of the same network for each request
// would have the service asked, and paid for, each time. The service is asked about the address itself
// that came first. The cache has a fixed number of entries; when it is full, one goes that has not been
// asked for lately.
//
// Requests from one network that come while it is being asked about wait for that one answer, and
// no longer than it may take. Questions that are under way at the same time are bounded; beyond
// that there is no score.
//
// # Breaker
//
// It opens after five faults without an answer in between, or when half of at least twenty questions in
// ten seconds came to nothing; at once at a status of 429, for as long as Retry-After says, up to
// five minutes. While it is open nobody waits. After a second one question is let through to try; each
// time that this fails the pause doubles, up to half a minute.
//
// Times are given by the caller, but for how long an answer may take.
package risk
