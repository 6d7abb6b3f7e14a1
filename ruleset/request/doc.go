// Package request reads the raw values that a gate judges out of an HTTP
// request: the phone, the e-mail address, the device and the proof.
//
// The promise is that what the gate judged is what the app gets. The app's
// parser is unknown: Express, PHP, Rails, Django, Spring, ASP.NET and Go read
// the same bytes in different ways, and a caller who finds a difference is
// judged for one number and sends to another. So this package does not try to
// guess what the app will see: a request that two parsers could read
// differently is refused, and a request that is accepted is handed on byte for
// byte.
//
// One gate may stand in front of requests of several kinds. Each [Case] of
// [Shapes] says which requests it is for and what they are about; a request of
// no known kind is refused, and that one is not about a phone has to be seen,
// not guessed from what is missing. Where an app is known to read keys without
// case, or JSON whatever its type, a Case reads as it does.
//
// What that means in detail is written where it is done: json.go, form.go,
// multipart.go, header.go, mediatype.go and, for names which are spelled
// differently and mean the same, name.go.
package request
