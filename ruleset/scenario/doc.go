// Package scenario reads and runs stories: text files that tell what happens
// to a gate, second by second, and what it is to answer. The gate, the ruleset
// and the ledger are the real ones; the clock, the app, the issuer of proofs and
// the risk service are played.
//
// A story is one txtar file. It begins with what is promised, in words:
//
//	A phone gets one code a minute.
//
//	-- rules.yaml --
//	version: 1
//	request: {phone: json /phone, region: US}
//	human: {require: never}
//	limits: [{per: phone, max: 1, in: 60s}]
//
//	-- story --
//	0s   ask a phone=+14155550123  => allow cooldown=60s
//	1s   app a 200                 => sent
//	2s   ask phone=+14155550123    => deny too_soon limit="phone: 1 sends in 60s" wait=58s
//
// # Sections
//
//   - story: the steps. Required.
//   - NAME.yaml: a ruleset. rules.yaml is in force from the beginning; without
//     it, the first step opens a gate.
//   - NAME.txt, NAME.csv, NAME.json: a file that a ruleset names, of a list or of
//     prices, or that a feed fetches.
//   - NAME.http: a request, byte by byte, for send.
//   - geo: where the databases are, as in "country ../geo/country.mmdb",
//     "asn ../geo/asn.mmdb" and "database FILE" for any other, one a line. Without it those of [Options] are
//     wired or, if there are none, ../geo/country.mmdb and ../geo/asn.mmdb.
//
// All paths are relative to the story's own file. A ruleset or a list that is
// no section is read from there, so that a story can be told of the ruleset
// that is really in use.
//
// # Steps
//
// A step is a time since the beginning (0s, 90s, 1h30m, 7d), a verb, and what
// is expected after "=>". Time never runs backwards. The beginning is midnight
// UTC, Thursday 1 January 2026. A line that begins with # says something to
// the reader.
//
//	ask [NAME] WORD=VALUE…        a request, in the shape that the ruleset asks for
//	send [NAME] FILE.http ip=…    a request as it is written in a section
//	app NAME STATUS               the app answers the request called NAME, perhaps with header="NAME: VALUE" and body=TEXT
//	app NAME none                 the app never answers in full
//	app NAME refused              no connection to the app could be made
//	verified NAME                 the code is entered
//	wrong NAME                    a wrong code is entered
//	rules FILE                    another text takes the place of the ruleset's
//	gate FILE                     one more gate, on the same ledger; gate=NAME asks it
//	feed NAME FILE                a file of the feed is fetched: "tor", "signup.office"
//	risk ADDRESS SCORE            the score that the risk service tells from now on
//	risk away, risk back          the risk service cannot be reached, or can be again
//	secret WORD also=WORD         the gate is started again with this secret, and one beside it
//	ledger away, ledger back      the ledger cannot be reached, or can be again
//	count                         what has been let through, refused and looked into so far,
//	                              and how often the risk service was asked
//
// Words of ask are phone, ip, device, email, proof, ua, method, host, path and
// gate, and shape, handle and session where requests have several shapes; of
// send, ip and gate. The address is 192.0.2.7 where none is said; "ip=none"
// is an address that is not known. Values with spaces or odd characters are quoted,
// as in Go.
//
// Proofs are pass, fail, spent, away (the issuer is not there), broken (the
// issuer does not accept the operator's secret), and once-WORD, which passes
// once and is spent then.
//
// The risk service keeps what it has been asked for an hour, as the real one does by default. It does
// not know addresses whose score no step tells.
//
// Many requests in one step: phone=+141555501{00..19} or ip={192.0.2.1,192.0.2.9}
// asks for each in turn, times=5 for the same again, every=10s with time in between.
// The answers are counted: 15x allow, 5x deny too_many … wait=50s..10s.
//
// # Answers
//
// The answer to a request is the verdict: allow, challenge or deny, the code that
// the caller is told and, where it is another, reason=CODE, the true one. Then who
// decided (limit="phone: 1 sends in 60s", rule=NAME, network=LIST, geo=match), and
// what else there is to say: status, wait, cooldown, proof, alert(…), flag(…), shadow(…),
// detail and error. A CORS preflight is not judged: preflight. The others answer
// sent, not_sent, unknown, verified, nothing held (the request was refused),
// counted, ok, loaded with the number of networks and what is missing still, or
// refused, of a ruleset with the number of problems.
//
// # Requests as written
//
// A section NAME.http is a request line, headers, an empty line and the body.
// The request line and the headers end in CRLF whatever the file has; the body
// is taken as it is, less the line ends behind it. Content-Length is added where
// it is missing, and the body is sent in chunks where Transfer-Encoding says so.
// Words behind the name change this: "-- NAME.http crlf --" ends all lines of the
// body in CRLF too, "-- NAME.http escaped --" undoes Go's escapes (\xff, \u0000,
// \n) everywhere.
package scenario
