// Package caddymodule puts the gate into Caddy: the HTTP handler otp_gate, the
// app otp_gate that all gates of a configuration share, their Caddyfile
// spelling, and the commands under "caddy otp-gate".
//
// It holds no policy. What is asked of a request stands in the ruleset file
// and is answered by package ruleset; this package brings the request there,
// and carries out the verdict: it answers a refusal, or passes the request on
// and settles what was held once the app has answered.
//
// Where it is counted is the app's to open: on disk, in Redis or in memory. An
// open ledger belongs to the process, and each configuration has a lease of it,
// so that a reload neither forgets nor counts apart.
//
// All that knows Caddy, zap or Prometheus is here.
package caddymodule
